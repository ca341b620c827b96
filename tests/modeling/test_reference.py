"""What is compared with the library's own forward pass: few logits of long rows, and still enough to see a wrong window."""

from functools import partial
from pathlib import Path

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from humpback_exp.config import AdapterConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.data.loader import concatenate
from humpback_exp.inference.transformers.cached_attention import NAME as CACHED
from humpback_exp.modeling import reference
from humpback_exp.modeling.callbacks import with_compared
from humpback_exp.modeling.kernels.loss import labelled, output_logits
from humpback_exp.modeling.kernels.padding_free_attention import NAME as BY_EXAMPLE
from humpback_exp.modeling.load import load_model
from humpback_exp.modeling.module import CausalLMModule
from humpback_exp.modeling.reference import LAST, PROBE, compared, probe, require_librarys_logits
from tests.modeling.families import SHAPE, Family, save

WINDOW = 100
ROWS = [[7 + i * 13 % 250 for i in range(length)] for length in (30, 450)]
MISTRAL = Family("Mistral, window", "mistral", dict(sliding_window=WINDOW))


@pytest.fixture
def mistral(byte_tokenizer, tmp_path: Path) -> str:
    return str(save(MISTRAL, byte_tokenizer, tmp_path))


def test_places_are_spread_over_a_row() -> None:
    assert compared(list(range(30))) == list(range(29))
    assert compared(list(range(PROBE + 1))) == list(range(PROBE))
    places = compared(list(range(2 * PROBE)))
    assert len(places) == PROBE and places[0] == 0
    assert places[-LAST:] == list(range(2 * PROBE - 1 - LAST, 2 * PROBE - 1))
    assert set(map(int, torch.tensor(places[:-LAST]).diff())) == {2, 3}


def test_rows_of_one_length_are_compared_with_padding_between(mistral: str) -> None:
    """Else a class that reads its padding would be found right on rows that are all longer than what is compared."""
    model = load_model(mistral, "float32")
    assert [len(row) for row in probe(model, [ROWS[1][:120], ROWS[1][:120]])] == [90, 120]
    assert [len(row) for row in probe(model, [ROWS[0], ROWS[0]])] == [22, 30]


def logits(model, rows: list[list[int]]) -> torch.Tensor:
    with torch.no_grad():
        found = [model(torch.tensor([row])).logits[0, compared(row)] for row in rows]
    return torch.cat(found)


def test_a_long_row_costs_the_logits_of_a_short_one(mistral: str) -> None:
    model = load_model(mistral, "float32")
    rows, made = probe(model, ROWS), []
    assert [len(row) for row in rows] == [30, 2 * WINDOW]
    ours = logits(model, rows)
    model.lm_head.register_forward_hook(lambda _module, _inputs, output: made.append(output.shape[1]))
    require_librarys_logits(model, rows, lambda: ours, False, "model.path=mistral", "choose another base model")
    assert made == [29, PROBE, PROBE]  # once more with another end, which may not move what stands before it


@pytest.mark.parametrize("name", [BY_EXAMPLE, CACHED])
def test_attention_in_chunks_is_no_window(name: str) -> None:
    """Refused before a row is long enough to tell: both are plain attention up to their length."""
    made = CONFIG_MAPPING["llama4_text"](
        **SHAPE, head_dim=16, attention_chunk_size=16, num_local_experts=2, intermediate_size_mlp=96
    )
    model = AutoModelForCausalLM.from_config(made)
    model.set_attn_implementation(name)
    short = [[3, 4, 5], [6, 7, 8, 9]]
    with pytest.raises(
        ValueError, match=r"^model.path=m: our layers fail \(ValueError: its layers attend in chunks of 16"
    ):
        require_librarys_logits(model, short, partial(logits, model, short), False, "model.path=m", "choose another")


def test_a_model_that_sees_what_it_is_to_predict_is_refused() -> None:
    """The library agrees with itself, and the loss falls: only another end of the row tells."""
    made = CONFIG_MAPPING["gemma3_text"](**SHAPE, head_dim=16, sliding_window=16, use_bidirectional_attention=True)
    model = AutoModelForCausalLM.from_config(made).eval()
    rows = probe(model, ROWS)
    ours = partial(logits, model, rows)
    with pytest.raises(ValueError, match=r"^model.path=m: Gemma3ForCausalLM sees the tokens behind the one"):
        require_librarys_logits(model, rows, ours, False, "model.path=m", "choose another")


def test_a_window_that_is_left_out_is_seen(mistral: str) -> None:
    model, without = (load_model(mistral, "float32") for _ in range(2))
    without.config.sliding_window = None
    rows = probe(model, ROWS)
    with pytest.raises(
        ValueError, match=r"^model.path=mistral: the loss of 125 tokens is .* by our layers, .* by trans"
    ):
        ours = partial(logits, without, rows)
        require_librarys_logits(model, rows, ours, False, "model.path=mistral", "choose another base model")


def test_rounding_of_large_weights_is_no_fault(varied: str) -> None:
    """Attention that is all but certain turns on the last bit of bfloat16: ours move by 2.3 times `allowed`, its own by 1.5."""
    module = CausalLMModule(
        ModelConfig(path=varied, dropout=0.0),
        AdapterConfig(),
        OptimConfig(),
        TrainerConfig(precision="bf16"),
        1,
        seed=0,
    )
    module.configure_model()
    generator = torch.Generator().manual_seed(0)
    for length in range(80, 106):
        rows = torch.randint(2, 1000, (2, length), generator=generator).tolist()
        batch = concatenate([with_compared(row) for row in rows])
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            ours = output_logits(module.model, labelled(module.model, batch)[0])
            require_librarys_logits(
                module.model, rows, lambda ours=ours: ours, True, "model.path=varied", "choose another"
            )


def test_rounding_beyond_all_reason_is_a_fault(mistral: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class whose two attentions differ by more than rounding excuses nothing by that."""
    monkeypatch.setattr(reference, "_own_rounding", lambda *_: 1e9)
    model, without = (load_model(mistral, "float32") for _ in range(2))
    without.config.sliding_window = None
    rows = probe(model, ROWS)
    with pytest.raises(ValueError, match=r"^model.path=mistral: the loss of 125 tokens is .* by our layers"):
        ours = partial(logits, without, rows)
        require_librarys_logits(model, rows, ours, True, "model.path=mistral", "choose another base model")


def test_a_fault_of_writing_alone_is_seen(mistral: str) -> None:
    """The last places of one row, an eighth of all that are compared, come from a forward pass that is wrong."""
    model, without = (load_model(mistral, "float32") for _ in range(2))
    without.config.sliding_window = None
    rows = probe(model, ROWS)
    right, wrong = logits(model, rows), logits(without, rows)
    mixed = torch.cat([right[:-LAST], wrong[-LAST:]])
    with pytest.raises(ValueError, match=r"^model_path=mistral: the loss of 125 tokens is .*; use engine=vllm"):
        require_librarys_logits(model, rows, lambda: mixed, False, "model_path=mistral", "use engine=vllm")
