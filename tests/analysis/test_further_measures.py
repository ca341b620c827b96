"""Further held-out sets and question selection beside the loss, as the closing table shows them."""

import json
from pathlib import Path

import loop_folders as folders
from test_report import text

from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.further_measures import benchmark_figures, further_measures
from humpback_exp.analysis.pages.loop import build
from humpback_exp.analysis.pages.terminal import closing

FIGURES = {
    "heldout_loss/general": 3.0,
    "heldout_loss_error/general": 0.1,
    "heldout_change/general": -0.25,
    "heldout_change_error/general": 0.1,
    "heldout_pairs/general": 12,
    "question_selection": 75.0,
    "question_selection_error": 5.0,
    "question_selection_pairs": 12,
    "question_selection_change": 5.0,
    "question_selection_change_error": 5.0,
}


def test_a_row_for_every_set_with_intervals_and_stars(tmp_path: Path) -> None:
    """t of 11 degrees of freedom is 2.201, so a reach of 0.220 and of 11.0."""
    folders.whole_loop(tmp_path)
    catalog = read_catalog(str(tmp_path))
    assert further_measures(catalog.of("evals")) == []
    for folder in catalog.of("evals"):
        if folder.name == "m1":
            folder.manifest.metrics |= FIGURES
    rows = further_measures(catalog.of("evals"))
    assert [(row["model"], row["set"]) for row in rows] == [
        ("base", "heldout"), ("m0", "heldout"), ("m1", "heldout"), ("m1", "general"),
    ]  # fmt: skip
    assert rows[0]["question selection, %"] == "\u2013"
    assert rows[2]["question selection, %"] == "75.0 (64.0 to 86.0)"
    assert rows[2]["change of question selection, %"] == "5.0 (\u22126.0 to 16.0)"
    assert rows[3]["held-out loss"] == "3.000 (2.780 to 3.220)"
    assert rows[3]["change of held-out loss"] == "\u22120.250 (\u22120.470 to \u22120.030)*"
    assert "instruction gain" not in rows[3]


def test_a_few_pairs_carry_no_claim(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    catalog = read_catalog(str(tmp_path))
    few = {"question_selection_pairs": 9, "question_selection_change": 50.0}
    for folder in catalog.of("evals"):
        folder.manifest.metrics |= FIGURES | few
    assert further_measures(catalog.of("evals"))[0]["change of question selection, %"] == "50.0 (38.5 to 61.5)"


def test_nothing_more_measured_adds_no_table(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    assert "instruction gain" not in closing(str(tmp_path), ["base", "m0", "m1"], None)


def test_the_loops_page_and_the_closing_table_show_them(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    path = tmp_path / "evals/m1/manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"metrics": manifest["metrics"] | FIGURES}))
    shown = "m1 general 3.000 (2.780 to 3.220) \u22120.250 (\u22120.470 to \u22120.030)*"
    assert shown in text(build(str(tmp_path)))
    said = closing(str(tmp_path), ["base", "m0", "m1"], None)
    assert "3.000 (2.780 to 3.220)" in said and "-0.250 (-0.470 to -0.030)*" in said
    assert max(map(len, said.splitlines())) <= 120


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
