"""Pairs that cannot be read are refused before any stage starts, not when the stage that reads them does."""

from pathlib import Path

import pytest

from humpback_exp.config import DataConfig, DatasetConfig
from humpback_exp.data import seed
from humpback_exp.data.seed import check_pairs, check_size

PAIR = '{"instruction": "Say a.", "output": "a"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not a pair\n", r"pairs.jsonl:1: no JSON \(.*\); each line must be an object"),
        (PAIR + '{"instruction": "b"}\n', r"pairs.jsonl:2: .*output"),
        ("", "data.seed_path=.*: holds no pairs; give JSON lines with instruction and output"),
    ],
)
def test_unreadable_pairs_are_refused(tmp_path: Path, content: str, message: str):
    path = tmp_path / "pairs.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        check_pairs(str(path), "data.seed_path", DatasetConfig())


def test_a_folder_without_pairs_is_refused(tmp_path: Path):
    (tmp_path / "a.html").write_text("<p>a")
    with pytest.raises(ValueError, match="no dataset"):
        check_pairs(str(tmp_path), "heldout", DatasetConfig())


def test_what_is_elsewhere_or_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "pairs.jsonl"
    path.write_text("not a pair\n")
    monkeypatch.setattr(seed, "MAX_CHECKED", 5)
    check_pairs(str(path), "data.seed_path", DatasetConfig())
    check_pairs("OWNER/NAME", "data.seed_path", DatasetConfig())


def test_prompts_without_outputs_are_held_out_and_no_seed(tmp_path: Path):
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"instruction": "b"}\n')
    check_pairs(str(path), "heldout", DatasetConfig())
    with pytest.raises(ValueError, match="seed_size=2: .* holds 1 pairs"):
        path.write_text(PAIR)
        check_size(DataConfig(seed_path=str(path), seed_size=2))
