"""The cache of tokens: what it holds, what it depends on, and that it is read instead of made again."""

from pathlib import Path

import pytest

from humpback_exp import prompts
from humpback_exp.config import DataConfig
from humpback_exp.data import token_cache
from humpback_exp.data.token_cache import TokenCache, cached_tokens
from humpback_exp.data.tokenize import IGNORED, encode_fitting
from humpback_exp.records import Example
from humpback_exp.turn_marks import marks

EXAMPLES = [
    Example(id="s", source="seed", instruction="Hi", output="Yo!"),
    Example(id="long", source="web", instruction="Hi", output="Yo! " * 50),
    Example(id="w", source="web", instruction="Hi", output="Yo?"),
]
CONFIG = DataConfig(tagged=False, max_length=30)


def cached(root: Path, tokenizer, config: DataConfig = CONFIG, seed: int = 0, **inputs: str) -> TokenCache:
    return cached_tokens(root, tokenizer, config, seed, inputs, lambda: EXAMPLES)


def test_rows_are_what_encoding_gives(tmp_path: Path, byte_tokenizer) -> None:
    rows = cached(tmp_path, byte_tokenizer)
    assert (len(rows), rows.counts, rows.table.num_rows) == (2, {"too long": 1}, 3)
    for row, example in zip(rows, (EXAMPLES[0], EXAMPLES[2]), strict=True):
        fresh, _ = encode_fitting(byte_tokenizer, example, CONFIG)
        assert (row.id, row.ids.tolist(), row.labels.tolist()) == (example.id, fresh.ids, fresh.labels)
    assert rows[0].labels.tolist() == [IGNORED] * 18 + [58, 80, 2, 1]
    assert (rows.total, rows.labelled, rows.row_ids("web")) == (44, 8, ["w"])


def test_made_once_and_read_afterwards(tmp_path: Path, byte_tokenizer) -> None:
    first = cached(tmp_path, byte_tokenizer)

    def unread() -> list[Example]:
        raise AssertionError("made again")

    again = cached_tokens(tmp_path, byte_tokenizer, CONFIG, 0, {}, unread)
    assert [row.ids.tolist() for row in again] == [row.ids.tolist() for row in first]


def test_everything_that_shapes_tokens_names_the_file(tmp_path: Path, byte_tokenizer, monkeypatch) -> None:
    cached(tmp_path, byte_tokenizer)
    cached(tmp_path, byte_tokenizer, seed=1)
    cached(tmp_path, byte_tokenizer, scored="another")
    cached(tmp_path, byte_tokenizer, DataConfig(tagged=True, max_length=100))
    monkeypatch.setitem(token_cache.TAGS, "seed", "Another sentence.")
    cached(tmp_path, byte_tokenizer)
    monkeypatch.setattr(byte_tokenizer, "chat_template", byte_tokenizer.chat_template + " ")
    cached(tmp_path, byte_tokenizer)
    monkeypatch.setattr(token_cache, "tokenizer_marks", lambda tokenizer: marks(["@@"]))
    cached(tmp_path, byte_tokenizer)
    assert len(list(tmp_path.iterdir())) == 7


def test_another_backward_prompt_makes_the_backward_tokens_anew(tmp_path: Path, byte_tokenizer, monkeypatch) -> None:
    backward = DataConfig(tagged=False, max_length=1000, direction="backward")
    forward = DataConfig(tagged=False, max_length=1000)
    first, kept = (cached(tmp_path, byte_tokenizer, config)[0].ids.tolist() for config in (backward, forward))
    for module in (prompts, token_cache):
        monkeypatch.setattr(module, "BACKWARD", "Which question has this answer?\n{output}")
    again, same = (cached(tmp_path, byte_tokenizer, config)[0].ids.tolist() for config in (backward, forward))
    assert byte_tokenizer.decode(again).startswith("<s>[INST] Which question has this answer?\nYo! [/INST]")
    assert again != first and same == kept
    assert len(list(tmp_path.iterdir())) == 3


def test_nothing_fits(tmp_path: Path, byte_tokenizer) -> None:
    with pytest.raises(ValueError, match=r"data.max_length=5: none of 3 examples fits"):
        cached(tmp_path, byte_tokenizer, DataConfig(max_length=5))


def test_a_file_holds_more_rows_than_a_batch(tmp_path: Path, byte_tokenizer, monkeypatch) -> None:
    monkeypatch.setattr(token_cache, "BATCH", 2)
    assert [row.id for row in cached(tmp_path, byte_tokenizer)] == ["s", "w"]
