"""Pairs that cannot be read are refused before any stage starts, not when the stage that reads them does."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from humpback_exp.config import (
    BoundsConfig,
    CorpusConfig,
    DataConfig,
    DatasetConfig,
    EvaluateConfig,
    GateConfig,
    SegmentConfig,
)
from humpback_exp.data import seed
from humpback_exp.data.seed import check_pairs, check_size
from humpback_exp.planning.preflight import check_later, check_pairs_of

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


def test_pairs_that_a_stage_held_out_are_looked_at_when_it_is_done(tmp_path: Path) -> None:
    done = SegmentConfig(output_root=str(tmp_path), corpus=CorpusConfig(path="pages", questions=True))
    half = done.folder / "heldout" / "test.jsonl"
    later = EvaluateConfig(output_root=str(tmp_path), heldout=str(half), evaluations=["heldout", "question_selection"])
    check_pairs_of(later)  # they are not there yet
    half.parent.mkdir(parents=True)
    rows = [json.dumps({"instruction": f"Why {n % 4}?", "output": "So."}) + "\n" for n in range(8)]
    half.write_text("".join(rows))
    check_later(later, [later])  # it held out none
    said = f"heldout={half}: question_selection needs 5 different questions with outputs, and there are 4; add some"
    with pytest.raises(ValueError, match=said):
        check_later(done, [later])
    half.write_text("".join([*rows, rows[0].replace("Why", "How")]))
    check_later(done, [later])
    more = tmp_path / "more.jsonl"
    more.write_text(rows[0])
    with pytest.raises(ValueError, match=f"heldout_sets.more={more}: question_selection needs 5 .* there are 1"):
        check_later(done, [replace(later, heldout_sets={"more": str(more)})])
    gate = GateConfig(output_root=str(tmp_path), gate=BoundsConfig(path=str(tmp_path / "none.jsonl")))
    check_later(done, [gate])
    (tmp_path / "none.jsonl").touch()
    with pytest.raises(ValueError, match=r"gate.path=.*none.jsonl: holds no pairs"):
        check_later(done, [gate])
