"""Precision, recall and AUC against labels one can count by hand, and the committed pairs through the commands."""

import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest

from humpback_exp.annotation.export import labelled
from humpback_exp.evaluation.selectors import Cut, LabelledPair, Scored, measure, read_labelled
from humpback_exp.records import Annotation, ScoredCandidate, read
from tests.conftest import ROOT, one_line_error, run

PAIRS = ROOT / "examples" / "labelled_pairs.jsonl"
LABELS = {"a": 5.0, "b": 4.0, "c": 3.5, "d": 2.0, "e": 1.0, "f": 4.0}


def pairs() -> dict[str, LabelledPair]:
    return {name: LabelledPair(id=name, instruction="?", output=name, label=label) for name, label in LABELS.items()}


def scored(**scores: float | None) -> list[Scored]:
    return [Scored(id=name, instruction="?", output=name, score=score) for name, score in scores.items()]


def test_counted_by_hand() -> None:
    found = measure("m0", scored(a=5.0, b=3.0, c=4.5, d=1.0, e=4.0, f=None, g=5.0), pairs(), good=4)
    assert found is not None
    assert (found.pairs, found.unscored) == (6, 1)
    assert found.area == 4 / 6  # a above c, d, e; b above d alone
    assert found.table == [Cut(2.0, 4, 2, 3), Cut(3.0, 4, 2, 3), Cut(4.0, 3, 1, 3), Cut(4.5, 2, 1, 3)]
    assert [(cut.threshold, cut.picked, cut.hits) for cut in found.curve] == [
        (5.0, 1, 1), (4.5, 2, 1), (4.0, 3, 1), (3.0, 4, 2), (1.0, 5, 2),
    ]  # fmt: skip
    assert (found.table[2].precision, found.table[2].recall) == (1 / 3, 1 / 3)
    assert found.table[2].precision_ends == pytest.approx((0.06149, 0.79234), abs=1e-5)
    assert math.isnan(Cut(4.5, 0, 0, 3).precision) and Cut(4.5, 0, 0, 3).precision_ends == (0.0, 1.0)


def test_two_scorers_are_compared_on_the_pairs_that_both_scored() -> None:
    first = measure("m0", scored(a=5.0, b=3.0, c=4.5, d=1.0, e=4.0, f=None), pairs(), good=4)
    second = measure("m1", scored(a=5.0, b=4.6, c=4.5, d=1.0, e=None, f=1.0), pairs(), good=4)
    assert first is not None and second is not None
    difference, ends = second.above(first)  # on a, b, c and d: all four right against three
    assert difference == 1 - 3 / 4
    assert ends[0] < 0 < difference < ends[1]
    assert first.above(first) == (0, (0, 0))


def test_the_papers_counts_give_the_papers_figures() -> None:
    """M0 picks about 10 of 250 and M1 about 42, of which 50 are good (paper section 3.6.3)."""
    assert [(round(cut.precision, 2), cut.recall) for cut in (Cut(4.5, 42, 22, 50), Cut(4.5, 9, 4, 50))] == [
        (0.52, 0.44),
        (0.44, 0.08),
    ]


def test_the_same_id_with_another_text_is_another_pair() -> None:
    assert measure("m0", [Scored(id="a", instruction="other", output="a", score=5.0)], pairs(), good=4) is None


def test_what_people_labelled_is_read_as_it_was_written(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    row = Annotation(
        item="i", source="c0", rater="r1", screening=False, models=[], instruction=text, texts=[text], outcome="good",
        value=5, swapped=False, reason="", seconds=1.0, judged_at="",
    )  # fmt: skip
    (tmp_path / "l.jsonl").write_text(labelled([row]), encoding="utf-8")
    pair = LabelledPair(id="c0", instruction=text, output=text, label=5.0)
    assert read_labelled(tmp_path / "l.jsonl") == {"c0": pair}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": "b", "instruction": "i", "output": "o", "label": 1' + "0" * 400 + "}",
            r"l.jsonl:2: must be a JSON object of id, instruction, output and label",
        ),
        ("\udcff", r"^labelled=.*l.jsonl: unreadable \('utf-8' codec .*; give JSON lines in UTF-8$"),
        ('{"id": "a"}', r"l.jsonl:2: must be a JSON object of id, instruction, output and label"),
        ('{"id": "x", "instruction": "", "output": "", "label": 1}', r"l.jsonl:2: id x must stand once"),
        (
            '{"id": "y", "instruction": "", "output": "", "label": 6}',
            r"l.jsonl:2: id y must stand once, with a label from",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, said: str) -> None:
    first = json.dumps({"id": "x", "instruction": "", "output": "", "label": 2})
    (tmp_path / "l.jsonl").write_text(f"{first}\n{line}\n", errors="surrogateescape")
    with pytest.raises(ValueError, match=said):
        read_labelled(tmp_path / "l.jsonl")


def test_the_committed_pairs_are_scored_and_measured(tiny: str, tmp_path: Path) -> None:
    assert Counter(pair.label for pair in read_labelled(PAIRS).values()) == {
        1: 76, 1.5: 4, 2: 48, 2.5: 5, 3: 13, 3.5: 1, 4: 1, 5: 2,
    }  # fmt: skip
    scoring = ("curate.py", f"candidates={PAIRS}", f"model_path={tiny}", f"output_root={tmp_path}", "name=tiny")
    options = ("scorer=likelihood", "gate.pairs=0", "min_score=null", "top_fraction=0.5", "tracking=none")
    done = run(*scoring, *options)
    assert done.returncode == 0, done.stderr
    rows = {row.id: row for row in read(tmp_path / "scored" / "tiny", ScoredCandidate)}
    assert {key: (row.instruction, row.output) for key, row in rows.items()} == {
        key: (pair.instruction, pair.output) for key, pair in read_labelled(PAIRS).items()
    }
    done = run("report.py", f"output_root={tmp_path}", f"labelled={PAIRS}", "good=2")
    assert done.returncode == 0, done.stderr
    assert "scored/tiny      150      70           0  0." in done.stdout
    done = run(
        *scoring[:2], f"output_root={tmp_path}", "name=given", "scorer=given", f"ratings={PAIRS}", "tracking=none"
    )
    assert done.returncode == 0, done.stderr
    done = run("report.py", f"output_root={tmp_path}", f"labelled={PAIRS}", "good=2")
    assert re.search(r"scored/given +150 +70 +0 +1.000 \(1.000 to 1.000\) +-\n", done.stdout)
    assert re.search(r"scored/tiny  .*  0.\d{3} \(.*\) +-0.\d{3} \(-0.\d{3} to -0.\d{3}\) *\n", done.stdout)
    drawing = (tmp_path / "reports" / "selectors.svg").read_text()
    assert "scored/tiny" in drawing and "precision" in drawing
    said = one_line_error(run("report.py", f"output_root={tmp_path}", f"labelled={PAIRS}", "good=1"))
    assert said.startswith("good=1: 150 of the 150 labelled pairs in scored/given reach it")
    said = one_line_error(run("report.py", f"output_root={tmp_path}/none", f"labelled={PAIRS}"))
    assert "none of its 150 pairs is in a scored folder below" in said
