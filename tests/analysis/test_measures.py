"""Every measure of `measures.MEASURES` on every held-out set, through the one machinery: intervals, pairing, tables."""

import json
import math
from dataclasses import replace
from pathlib import Path

import loop_folders as folders
import pytest
from test_report import text

from humpback_exp.analysis.benchmark_figures import benchmark_figures
from humpback_exp.analysis.comparisons import compare
from humpback_exp.analysis.evaluations import evaluations, measures
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.measures import GAIN, LOSS, SELECTION
from humpback_exp.analysis.pages import compare as compare_page
from humpback_exp.analysis.pages.loop import build
from humpback_exp.analysis.pages.terminal import closing
from humpback_exp.analysis.planned_comparisons import alone
from humpback_exp.evaluation import question_selection
from humpback_exp.records import Answer, QuestionLosses, read, write


def asked(
    root: Path, name: str, gains: list[float], file: str = "heldout", questions: tuple[str, ...] = ("a", "b")
) -> None:
    """Answers that the right question makes likelier by `gains` than each of the others."""
    rows = [
        QuestionLosses(id=f"pair{i}", labels=10, loss=2.0, questions=list(questions), losses=[2.0 + gain, 2.0 + gain])
        for i, gain in enumerate(gains)
    ]
    write(root / f"evals/{name}/question_losses/{file}.parquet", QuestionLosses, rows)


def further(root: Path, name: str, held: str, change: float) -> None:
    """Losses on a further set: those on `heldout`, moved."""
    rows = [replace(row, loss=row.loss + change) for row in read(root / f"evals/{name}", Answer)]
    write(root / f"evals/{name}/heldout_sets/{held}.parquet", Answer, rows)


def listening(root: Path) -> None:
    """M0 listens to half of the questions; M1 to ten of twelve, and by 0.2 nats more."""
    folders.whole_loop(root)
    asked(root, "m0", [0.1, -0.1] * 6)
    asked(root, "m1", [0.3, 0.1] * 5 + [0.3, -0.1])
    asked(root, "base", [0.0] * 12)
    for name, change in (("base", 0.75), ("m0", 0.5), ("m1", 0.25)):
        further(root, name, "general", change)


def test_what_was_measured_is_found_set_by_set(tmp_path: Path) -> None:
    listening(tmp_path)
    found = {one.folder.name: one for one in evaluations(read_catalog(str(tmp_path)))}
    assert [one.key for one in measures([found["m1"]])] == [
        "win_rate", "heldout_loss", "instruction_gain", "question_selection", "heldout_loss/general",
    ]  # fmt: skip
    assert measures([found["base"]])[-1].full_name == "held-out loss on general"
    assert found["m0"].mean(GAIN) == pytest.approx(0.0) and found["m0"].mean(SELECTION) == 50.0
    assert found["m1"].mean(GAIN) == pytest.approx(2.2 / 12) and found["m1"].mean(SELECTION) == pytest.approx(1100 / 12)
    assert found["m1"].mean(LOSS.on("general")) == pytest.approx((found["m1"].mean(LOSS) or 0) + 0.25)


def test_questions_are_paired_as_losses_are(tmp_path: Path) -> None:
    """Eleven changes of 0.2 and one of 0.0: a deviation of 0.0577, an error of 0.0167, times t(11) = 2.201."""
    listening(tmp_path)
    sides = {run.folder.name: alone(run) for run in evaluations(read_catalog(str(tmp_path)))}
    made = compare(sides["m1"], sides["m0"])
    gain = made.changes["instruction_gain"]
    assert gain.paired and gain.side == 1 and gain.interval.rows == 12
    assert gain.interval.value == pytest.approx(2.2 / 12)
    assert gain.interval.error == pytest.approx(0.2 * math.sqrt(11 / 12 / 12 / 11), rel=1e-6)
    assert made.changes["question_selection"].interval.value == pytest.approx(500 / 12)
    assert made.changes["heldout_loss/general"].interval.value == pytest.approx(-0.25)


def test_the_machinery_agrees_with_the_figures_that_an_evaluation_writes(tmp_path: Path) -> None:
    listening(tmp_path)
    sides = {run.folder.name: alone(run) for run in evaluations(read_catalog(str(tmp_path)))}
    ours, theirs = (list(read(tmp_path / f"evals/{name}", QuestionLosses, "question_losses")) for name in ("m1", "m0"))
    written = question_selection.summary(ours) | question_selection.difference(ours, {row.id: row for row in theirs})
    made = compare(sides["m1"], sides["m0"])
    for measure in (GAIN, SELECTION):
        assert sides["m1"].figures[measure.key].value == pytest.approx(written[measure.key])
        assert sides["m1"].figures[measure.key].error == pytest.approx(written[f"{measure.key}_error"])
        assert made.changes[measure.key].interval.value == pytest.approx(written[f"{measure.key}_change"])
        assert made.changes[measure.key].interval.error == pytest.approx(written[f"{measure.key}_change_error"])


def test_a_pair_beside_other_questions_is_another_row(tmp_path: Path) -> None:
    listening(tmp_path)
    asked(tmp_path, "m0", [0.1, -0.1] * 6, questions=("a", "c"))
    sides = {run.folder.name: alone(run) for run in evaluations(read_catalog(str(tmp_path)))}
    change = compare(sides["m1"], sides["m0"]).changes["instruction_gain"]
    assert not change.paired


def test_a_pair_without_a_figure_is_left_out(tmp_path: Path) -> None:
    listening(tmp_path)
    asked(tmp_path, "m1", [math.nan] + [0.1] * 11)
    (found,) = (one for one in evaluations(read_catalog(str(tmp_path))) if one.folder.name == "m1")
    assert len(found.rows["instruction_gain"]) == 11 and found.mean(SELECTION) == 100.0


def test_every_page_shows_them(tmp_path: Path) -> None:
    listening(tmp_path)
    for page in (text(build(str(tmp_path))), text(compare_page.build(str(tmp_path), ["m0", "m1"]))):
        assert "change of instruction gain, nats a token" in page and "Held-out set general" in page
    compared = text(compare_page.build(str(tmp_path), ["m0", "m1"]))
    assert "By instruction gain, M1 is better than M0: +0.183 nats a token (95 % interval +0.147 to +0.220)" in compared
    assert "+0.183 +0.147 to +0.220 91.7" in compared
    said = closing(str(tmp_path), ["base", "m0", "m1"], None)
    assert "+0.183 (+0.147 to +0.220)*" in said and "\non general " in said and max(map(len, said.splitlines())) <= 120


def test_nothing_more_measured_adds_no_table(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    said = closing(str(tmp_path), ["base", "m0", "m1"], None)
    assert said.count("instruction") == 1  # in the legend alone
    assert "Held-out set" not in text(build(str(tmp_path)))


def test_benchmarks_and_refusals_stand_side_by_side_with_their_errors(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    assert benchmark_figures(read_catalog(str(tmp_path)).of("evals")) == []
    figures = {
        "piqa_acc": 0.625, "piqa_acc_error": 0.0125, "piqa_setup": {"lm_eval": "0.4.13"}, "piqas": 1.0,
        "safety_refused/none": 0.5, "safety_refused_error/none": 0.1, "boolq_acc": 0.25,
    }  # fmt: skip
    for name, measured in (("m0", ["heldout", "piqa"]), ("m1", ["piqa", "safety", "lm_eval/boolq"])):
        path = tmp_path / f"evals/{name}/manifest.json"
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps(manifest | {"measured": measured, "metrics": manifest["metrics"] | figures}))
    rows = benchmark_figures(read_catalog(str(tmp_path)).of("evals"))
    assert rows == [
        {"figure": "piqa_acc", "m0": "0.625 \u00b1 0.013", "m1": "0.625 \u00b1 0.013"},
        {"figure": "safety_refused/none", "m0": "0.500 \u00b1 0.100", "m1": "0.500 \u00b1 0.100"},
        {"figure": "boolq_acc", "m0": "0.250", "m1": "0.250"},
    ]
    assert "piqa_acc 0.625 \u00b1 0.013 0.625 \u00b1 0.013" in text(build(str(tmp_path)))
    assert "safety_refused/none" in closing(str(tmp_path), ["base", "m0", "m1"], None)
