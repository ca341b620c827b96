"""What is compared with the library's own forward pass: few logits of long rows, and still enough to see a wrong window."""

from functools import partial
from pathlib import Path

import pytest
import torch

from humpback_exp.modeling.load import load_model
from humpback_exp.modeling.reference import LAST, PROBE, compared, probe, require_librarys_logits
from tests.modeling.families import Family, save

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
    assert made == [29, PROBE]


def test_a_window_that_is_left_out_is_seen(mistral: str) -> None:
    model, without = (load_model(mistral, "float32") for _ in range(2))
    without.config.sliding_window = None
    rows = probe(model, ROWS)
    with pytest.raises(
        ValueError, match=r"^model.path=mistral: the loss of 125 tokens is .* by our layers, .* by trans"
    ):
        ours = partial(logits, without, rows)
        require_librarys_logits(model, rows, ours, False, "model.path=mistral", "choose another base model")


def test_a_fault_of_writing_alone_is_seen(mistral: str) -> None:
    """The last places of one row, an eighth of all that are compared, come from a forward pass that is wrong."""
    model, without = (load_model(mistral, "float32") for _ in range(2))
    without.config.sliding_window = None
    rows = probe(model, ROWS)
    right, wrong = logits(model, rows), logits(without, rows)
    mixed = torch.cat([right[:-LAST], wrong[-LAST:]])
    with pytest.raises(ValueError, match=r"^model_path=mistral: the loss of 125 tokens is .*; use engine=vllm"):
        require_librarys_logits(model, rows, lambda: mixed, False, "model_path=mistral", "use engine=vllm")
