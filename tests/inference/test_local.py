"""The reference engine: greedy as transformers, sampling that ignores neighbours, losses, choices, overflow."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokens import prompt_ids
from humpback_exp.inference.engine import row_seed
from humpback_exp.inference.local import TransformersEngine
from humpback_exp.inference.sampling import next_tokens
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


def test_greedy_equals_transformers_row_by_row(engine: TransformersEngine) -> None:
    ours = engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet)
    for conversation, completion in zip(CONVERSATIONS, ours, strict=True):
        ids = torch.tensor([prompt_ids(engine.tokenizer, conversation)])
        reference = engine.model.generate(ids, do_sample=False, max_new_tokens=12)[0, ids.shape[1] :]
        assert completion.text == engine.tokenizer.decode(reference, skip_special_tokens=True).strip()
        assert completion.tokens == len(reference)


def test_sampling_does_not_depend_on_neighbours_or_order(engine: TransformersEngine) -> None:
    seeds = [row_seed(0, text) for text in TEXTS]
    together = [c.text for c in engine.generate(CONVERSATIONS, SAMPLED, seeds, quiet)]
    alone = [engine.generate([c], SAMPLED, [s], quiet)[0].text for c, s in zip(CONVERSATIONS, seeds, strict=True)]
    assert together == alone
    assert together != [c.text for c in engine.generate(CONVERSATIONS, SAMPLED, [s + 1 for s in seeds], quiet)]


def test_finished_rows_leave_the_batch_and_the_others_go_on(engine: TransformersEngine, monkeypatch) -> None:
    """The model is made to end rows one after another; what the others write must not change."""
    full = engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet)
    widths = []
    model = engine.model

    def spied(**inputs):
        out = model(**inputs)
        widths.append(inputs["input_ids"].shape[0])
        if len(widths) == 3:
            out.logits[0, -1, engine.tokenizer.eos_token_id] = 1e4
        return out

    monkeypatch.setattr(engine, "model", spied)
    monkeypatch.setattr(engine, "config", replace(engine.config, batch_size=4))
    longest = max(range(4), key=lambda i: len(TEXTS[i]))
    cut = engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet)
    assert widths[:4] == [4, 4, 4, 4] and (cut[longest].tokens, cut[longest].finish) == (3, "stop")
    assert [c.text for i, c in enumerate(cut) if i != longest] == [c.text for i, c in enumerate(full) if i != longest]
    monkeypatch.setattr("humpback_exp.inference.local.SHRINK", 0.9)
    widths.clear()
    assert engine.generate(CONVERSATIONS, GREEDY, [0] * 4, quiet) == cut
    assert widths[:4] == [4, 4, 4, 3]


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


def test_choices_are_next_token_probabilities(engine: TransformersEngine) -> None:
    probabilities = engine.choose(CONVERSATIONS, ["1", "2"], "", quiet)
    ids = torch.tensor([prompt_ids(engine.tokenizer, CONVERSATIONS[1])])
    with torch.no_grad():
        logits = engine.model(ids).logits[0, -1]
    one, two = (engine.tokenizer(c, add_special_tokens=False)["input_ids"][0] for c in "12")
    assert probabilities[1] == pytest.approx(torch.softmax(logits, -1)[[one, two]].tolist(), rel=1e-4)


def test_nucleus_sampling_draws_from_the_nucleus_by_probability() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    config = GenerationConfig(temperature=1.0, top_p=0.75)
    stream = np.random.Generator(np.random.PCG64(0))
    drawn = [int(next_tokens(logits, config, [stream])) for _ in range(4000)]
    assert set(drawn) == {0, 1}
    assert drawn.count(0) / 4000 == pytest.approx(0.5 / 0.8, abs=0.03)


def test_a_nucleus_wider_than_the_first_look_is_exact(monkeypatch) -> None:
    monkeypatch.setattr("humpback_exp.inference.sampling.CANDIDATES", 2)
    logits = torch.zeros(1, 10)
    stream = np.random.Generator(np.random.PCG64(0))
    drawn = {int(next_tokens(logits, GenerationConfig(temperature=1.0, top_p=1.0), [stream])) for _ in range(300)}
    assert drawn == set(range(10))


def test_no_gpu_is_said(tiny: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="engine.device=cuda: this machine has no GPU"):
        TransformersEngine(EngineConfig(device="cuda"), tiny, "model_path")
