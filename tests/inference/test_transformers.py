"""The reference engine: greedy as transformers, sampling that ignores neighbours, losses, full batches, overflow."""

import math

import numpy as np
import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokenize import encode, prompt_ids
from humpback_exp.inference.protocol import row_seed
from humpback_exp.inference.transformers.cached_attention import CACHE
from humpback_exp.inference.transformers.decode import BatchDecoder, Row
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.inference.transformers.kv_cache import PrefillCache, Prefix
from humpback_exp.inference.transformers.prefill import shared_length
from humpback_exp.inference.transformers.sampling import next_tokens
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.prompts import forward

TEXTS = ["Hi", "Explain how a bicycle stays upright, in two sentences.", "Why?", "List three rivers in Asia."]
CONVERSATIONS = [forward(text, ["seed"]) for text in TEXTS]
GREEDY = GenerationConfig(temperature=0, max_new_tokens=12)
SAMPLED = GenerationConfig(temperature=0.7, top_p=0.9, max_new_tokens=12)


def quiet(rows: int, tokens: int) -> None:
    pass


@pytest.fixture(scope="module")
def engine(tiny: str) -> TransformersEngine:
    return TransformersEngine(EngineConfig(dtype="float32", batch_size=3), tiny, "model_path")


@pytest.fixture(scope="module")
def library(tiny: str):
    """The same model with the library's own attention, layers and cache."""
    return load_model(tiny, "float32")


def passes(engine: TransformersEngine, monkeypatch) -> list[int]:
    """The tokens of every forward pass from here on."""
    seen: list[int] = []
    decoder = engine.model.get_decoder()
    forward = decoder.forward

    def spied(input_ids, **others):
        seen.append(input_ids.shape[1])
        return forward(input_ids=input_ids, **others)

    monkeypatch.setattr(decoder, "forward", spied)
    return seen


def test_greedy_equals_transformers_row_by_row(engine: TransformersEngine, library) -> None:
    ours = engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet)
    for conversation, completion in zip(CONVERSATIONS, ours, strict=True):
        ids = torch.tensor([prompt_ids(engine.tokenizer, conversation)])
        reference = library.generate(ids, do_sample=False, max_new_tokens=12)[0, ids.shape[1] :]
        assert completion.text == engine.tokenizer.decode(reference, skip_special_tokens=True).strip()
        assert completion.tokens == len(reference)


def test_a_model_of_another_class_runs_through_the_librarys_layers(tiny: str, tmp_path) -> None:
    """Qwen2 has biases on queries, keys and values, which Llama has not."""
    torch.manual_seed(0)
    shape = Qwen2Config(
        vocab_size=1024, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    model = Qwen2ForCausalLM(shape).eval()
    model.save_pretrained(tmp_path)
    load_tokenizer(tiny).save_pretrained(tmp_path)
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=3), str(tmp_path), "model_path")
    for conversation, completion in zip(
        CONVERSATIONS, engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet), strict=True
    ):
        ids = torch.tensor([prompt_ids(engine.tokenizer, conversation)])
        reference = model.generate(ids, do_sample=False, max_new_tokens=12)[0, ids.shape[1] :]
        assert completion.text == engine.tokenizer.decode(reference, skip_special_tokens=True).strip()


def test_sampling_does_not_depend_on_neighbours_or_order(engine: TransformersEngine) -> None:
    seeds = [row_seed(0, text) for text in TEXTS]
    together = [c.text for c in engine.generate(CONVERSATIONS, SAMPLED, seeds, quiet)]
    alone = [engine.generate([c], SAMPLED, [s], quiet)[0].text for c, s in zip(CONVERSATIONS, seeds, strict=True)]
    assert together == alone
    assert together != [c.text for c in engine.generate(CONVERSATIONS, SAMPLED, [s + 1 for s in seeds], quiet)]


def test_a_waiting_row_takes_the_place_of_an_ended_one_at_once(engine: TransformersEngine, monkeypatch) -> None:
    """Two rows side by side, and an end token that the first row taken writes third: the batch stays full till the last."""

    def written(places: range, end: int, size: int) -> dict[int, list[int]]:
        rows = [Row(i, prompts[i], np.random.Generator(np.random.PCG64(i))) for i in places]
        batch = BatchDecoder(engine.model, Prefix(), 0, SAMPLED, end)
        return {row.index: row.written for row in batch.run(rows, size)}

    prompts = [prompt_ids(engine.tokenizer, conversation) for conversation in CONVERSATIONS]
    with torch.inference_mode():
        alone = {i: written(range(i, i + 1), -1, 1)[i] for i in range(4)}
        end = alone[1][2]
        expected = {i: ids[: ids.index(end) + 1] if end in ids else ids for i, ids in alone.items()}
        sizes = passes(engine, monkeypatch)
        assert written(range(4), end, 2) == expected
    assert len(expected[1]) == 3
    steps = [size for size in sizes if size <= 2]
    assert sum(steps) == sum(len(ids) - 1 for ids in expected.values())
    assert steps == sorted(steps, reverse=True)


def test_what_all_prompts_begin_with_is_read_once(engine: TransformersEngine, monkeypatch) -> None:
    prompts = [prompt_ids(engine.tokenizer, conversation) for conversation in CONVERSATIONS]
    shared = shared_length(prompts)
    assert engine.tokenizer.decode(prompts[0][:shared]) == "<s>[INST]"
    own = sorted((len(prompt) - shared for prompt in prompts), reverse=True)
    sizes = passes(engine, monkeypatch)
    engine.generate(CONVERSATIONS, GenerationConfig(temperature=0, max_new_tokens=1), [0] * 4, quiet)
    assert sizes == [shared, sum(own[:3]), own[3]]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)  # fmt: skip
def test_out_of_memory_halves_the_batch_and_goes_on(tiny: str, error: RuntimeError, monkeypatch, caplog) -> None:
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=4), tiny, "model_path")
    seeds = list(range(4))
    whole = engine.generate(CONVERSATIONS, SAMPLED, seeds, quiet)
    losses = engine.losses(CONVERSATIONS, TEXTS, quiet)
    decoder = engine.model.get_decoder()
    forward = decoder.forward

    def small(input_ids, **others):
        cache = CACHE.get()
        if (len(cache.lengths) if isinstance(cache, PrefillCache) else input_ids.shape[1]) > 1:
            raise error
        return forward(input_ids=input_ids, **others)

    monkeypatch.setattr(decoder, "forward", small)
    counted: list[int] = []
    assert engine.generate(CONVERSATIONS, SAMPLED, seeds, lambda rows, tokens: counted.append(rows)) == whole
    assert sum(counted) == 4
    again = engine.losses(CONVERSATIONS, TEXTS, quiet)
    assert [loss for loss, _ in again] == pytest.approx([loss for loss, _ in losses], rel=1e-5)
    assert [record.message for record in caplog.records] == [
        "out of memory: going on with engine.batch_size=2",
        "out of memory: going on with engine.batch_size=1",
    ]


def test_a_row_that_does_not_fit_alone_is_an_error_of_one_line(tiny: str, monkeypatch) -> None:
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=1), tiny, "model_path")

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(engine.model.get_decoder(), "forward", full)
    with pytest.raises(ValueError, match="engine.batch_size=1: out of memory; use a smaller model"):
        engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet)


def test_progress_counts_every_row(engine: TransformersEngine) -> None:
    counted: list[tuple[int, int]] = []
    done = engine.generate(CONVERSATIONS, GREEDY, [0] * 4, lambda rows, tokens: counted.append((rows, tokens)))
    read = sum(len(prompt_ids(engine.tokenizer, conversation)) for conversation in CONVERSATIONS)
    assert tuple(map(sum, zip(*counted, strict=True))) == (4, read + sum(row.tokens for row in done))


def test_a_prompt_beyond_the_context_overflows_alone(engine: TransformersEngine) -> None:
    long = forward("word " * 5000, [])
    first, second = engine.generate([long, CONVERSATIONS[0]], GREEDY, [0, 0], quiet)
    assert (first.finish, first.text) == ("overflow", "")
    assert second.finish == "length"
    (loss, count), (_, fits) = engine.losses([long, CONVERSATIONS[0]], ["a", "a"], quiet)
    assert math.isnan(loss) and (count, fits > 0) == (0, True)


def test_losses_keep_the_order_of_rows(engine: TransformersEngine) -> None:
    targets = ["Yes.", "It steers into the fall and so stays up.", "Because.", "Indus"]
    together = engine.losses(CONVERSATIONS, targets, quiet)
    for conversation, target, (loss, count) in zip(CONVERSATIONS, targets, together, strict=True):
        ((alone, same),) = engine.losses([conversation], [target], quiet)
        assert loss == pytest.approx(alone, rel=1e-5) and count == same


def test_losses_equal_the_librarys(engine: TransformersEngine, library) -> None:
    ours = engine.losses(CONVERSATIONS, TEXTS, quiet)
    for conversation, target, (loss, count) in zip(CONVERSATIONS, TEXTS, ours, strict=True):
        row = encode(engine.tokenizer, conversation, target, "")
        with torch.no_grad():
            mean = library(input_ids=torch.tensor([row.ids]), labels=torch.tensor([row.labels])).loss
        assert (loss, count) == (pytest.approx(float(mean) * row.label_count, rel=1e-5), row.label_count)


def test_nucleus_sampling_draws_from_the_nucleus_by_probability() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    config = GenerationConfig(temperature=1.0, top_p=0.75)
    stream = np.random.Generator(np.random.PCG64(0))
    drawn = [int(next_tokens(logits, config, [stream])) for _ in range(4000)]
    assert set(drawn) == {0, 1}
    assert drawn.count(0) / 4000 == pytest.approx(0.5 / 0.8, abs=0.03)


def test_a_nucleus_wider_than_the_first_look_is_exact(monkeypatch) -> None:
    monkeypatch.setattr("humpback_exp.inference.transformers.sampling.CANDIDATES", 2)
    logits = torch.zeros(1, 10)
    stream = np.random.Generator(np.random.PCG64(0))
    drawn = {int(next_tokens(logits, GenerationConfig(temperature=1.0, top_p=1.0), [stream])) for _ in range(300)}
    assert drawn == set(range(10))


@pytest.mark.parametrize("equals", [3, 400])
def test_equal_probabilities_are_drawn_alike_beside_a_wide_neighbour(equals: int) -> None:
    """More equals than are looked at first, too: 400 of them, of which the first look takes any 256."""
    logits = torch.full((1, 2000), -20.0)
    logits[0, torch.randperm(2000, generator=torch.Generator().manual_seed(0))[:equals]] = 1.0
    config = GenerationConfig(temperature=1.0, top_p=0.6)

    def draw(rows: torch.Tensor, seed: int) -> int:
        return int(next_tokens(rows, config, [np.random.Generator(np.random.PCG64(seed)) for _ in rows])[0])

    alone = [draw(logits, seed) for seed in range(40)]
    places = (logits[0] == 1.0).nonzero().flatten().tolist()
    assert set(alone) <= set(places[: math.ceil(0.6 * equals)])
    assert alone == [draw(torch.cat([logits, torch.zeros(1, 2000)]), seed) for seed in range(40)]


def test_no_gpu_is_said(tiny: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="engine.device=cuda: this machine has no GPU"):
        TransformersEngine(EngineConfig(device="cuda", dtype="bfloat16"), tiny, "model_path")
