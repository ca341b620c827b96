"""What a sweep's page claims: planned comparisons, their corrections, and what it will not compare."""

import csv
import io
import math
import re
import shutil
from pathlib import Path

import pytest
import sweep_folders as folders
from test_report import text

from humpback_exp.analysis import plots
from humpback_exp.analysis.ablation_plans import plan_of_ablation
from humpback_exp.analysis.ablations import ABLATIONS, by_folder
from humpback_exp.analysis.comparisons import compare
from humpback_exp.analysis.corrections import Result, corrections, make
from humpback_exp.analysis.evaluations import by_group, evaluations
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import span
from humpback_exp.analysis.measures import LOSS
from humpback_exp.analysis.pages import compare as page_of_two
from humpback_exp.analysis.pages import loop
from humpback_exp.analysis.pages.sweep import build
from humpback_exp.analysis.sentences import findings
from humpback_exp.analysis.settings import Setting, settings
from humpback_exp.config import DataConfig
from humpback_exp.evaluation.intervals import Interval

ROWS = 12


def losses(change: float, wobble: float = 0.1) -> list[float]:
    return [1.0 + row / 10 + change + (wobble if row % 2 else -wobble) for row in range(ROWS)]


def told(root: Path, group: str) -> list[Setting]:
    ablation = ABLATIONS.get(group) or by_folder(group)
    return settings(ablation, by_group(evaluations(read_catalog(str(root), loops=True)))[group])


def asked(root: Path, group: str) -> Result:
    plan = plan_of_ablation(ABLATIONS.get(group) or by_folder(group), told(root, group))
    return make(plan, corrections(evaluations(read_catalog(str(root), loops=True))))


def sides(result: Result) -> list[tuple[str, str]]:
    return [(one.ours.label, one.theirs.label) for one in result.stated]


def seen(root: Path, group: str) -> str:
    return text(build(str(root), group, "files")[0])


def threshold(
    root: Path, least: float | None, size: int, change: float = 0.0, group: str = "curation_threshold"
) -> None:
    own = losses(change, 0.1 if least else 0.0)
    folders.point(root, group, f"a{least}-n{size}", own, data=folders.curated(root, size, least))


def test_a_planned_end_that_is_missing_makes_the_rest_exploratory(tmp_path: Path) -> None:
    threshold(tmp_path, None, 24)
    threshold(tmp_path, 4.0, 24, -0.5)
    page = seen(tmp_path, "curation_threshold")
    assert (
        "The planned comparison, A5 against no curation, is not there. Exploratory: by held-out loss, A4 is better than "
        "no curation at 24 web pairs: −0.500 nats a token" in page
    )
    threshold(tmp_path, 4.5, 24, -0.4)
    page = seen(tmp_path, "curation_threshold")
    assert "By held-out loss, A5 is better than no curation at 24 web pairs" in page and "xploratory" not in page


def test_different_sizes_are_never_compared_silently(tmp_path: Path) -> None:
    threshold(tmp_path, None, 3200)
    threshold(tmp_path, 4.5, 6400, -0.5)
    page = seen(tmp_path, "curation_threshold")
    assert "A5 against no curation, is not there. There is no finding yet." in page and "better than" not in page
    threshold(tmp_path, 4.5, 3200, -0.5)
    assert sides(asked(tmp_path, "curation_threshold")) == [("A5 at 3,200 web pairs", "no curation at 3,200 web pairs")]
    page = seen(tmp_path, "curation_threshold")
    assert "Larger than the largest size of both, and not compared: A5 at 6,400 web pairs." in page


def test_growth_is_along_the_planned_curation_else_exploratory(tmp_path: Path) -> None:
    for least in (None, 4.0):
        for size in (24, 96):
            threshold(tmp_path, least, size, -size / 100, "data_size")
    question = asked(tmp_path, "data_size")
    assert sides(question) == [("A4 at 96 web pairs", "A4 at 24 web pairs")]
    assert question.plan.unplanned == "The planned comparison, A5 from its smallest to its largest size, is not there."
    threshold(tmp_path, 4.5, 24, 0.0, "data_size")
    assert asked(tmp_path, "data_size").plan.unplanned
    threshold(tmp_path, 4.5, 48, 0.0, "data_size")
    assert sides(asked(tmp_path, "data_size")) == [("A5 at 48 web pairs", "A5 at 24 web pairs")]
    assert not asked(tmp_path, "data_size").plan.unplanned


def test_the_line_of_curated_pairs_is_read_from_the_sweep_that_has_it(tmp_path: Path) -> None:
    for size in (100, 800):
        data = DataConfig(seed_size=size)
        folders.point(tmp_path, "data_efficiency", f"seed-n{size}", losses(0.0), data=data, seeds=size)
    assert "seed + A5 from its smallest to its largest size, is not there" in seen(tmp_path, "data_efficiency")
    for least in (4.0, 4.5):
        for size in (24, 96):
            threshold(tmp_path, least, size, -size / 100, "data_size")
    page, files = build(str(tmp_path), "data_efficiency", "files")
    assert "seed + A5 at 104 training examples" in text(page) and "xploratory" not in text(page)
    ours = [row["series"] for row in csv.DictReader(io.StringIO(files["runs.csv"].decode()))]
    assert sorted(ours) == ["examples/seed", "examples/seed", "seed + A5", "seed + A5"]


def test_both_together_against_the_seed_names_both_sizes(tmp_path: Path) -> None:
    folders.point(tmp_path, "joint", "seed", losses(0.0, 0.0), seeds=120, steps=15)
    data = folders.curated(tmp_path, 80, 4.5)
    folders.point(tmp_path, "joint", "both", losses(-0.5), data=data, seeds=120, steps=25)
    page = seen(tmp_path, "joint")
    assert "seed + A5 at 200 training examples is better than seed alone at 120 training examples" in page
    assert (
        "seed + A5 at 200 training examples and seed alone at 120 training examples differ in training examples (200 "
        "against 120) and optimiser steps (25 against 15); what a gap owes to that alone, only runs with as many of both "
        "would tell." in page
    )
    assert "In the paper, at its own sizes and not at ours: 74.1 % at 45,000 against 53.6 % at 3,200" in page


def test_equal_lengths_need_no_caution(tmp_path: Path) -> None:
    for least in (None, 4.5):
        threshold(tmp_path, least, 24)
    assert "differ in training examples" not in seen(tmp_path, "curation_threshold")


def test_a_baseline_that_has_not_run_is_told(tmp_path: Path) -> None:
    for lr, change in ((3e-4, 0.0), (1e-3, -0.5)):
        folders.point(tmp_path, "learning_rate", f"lr{lr}", losses(change, 0.1 * (change < 0)), lr=lr)
    assert (
        "The planned comparison, each against learning rate 1e-05, is not there. Exploratory: by held-out loss, learning "
        "rate 0.001 is better than learning rate 0.0003" in seen(tmp_path, "learning_rate")
    )


def test_a_sweep_of_ones_own_has_no_plan(tmp_path: Path) -> None:
    for name, lr in (("first", 1e-5), ("second", 1e-4)):
        folders.point(tmp_path, "mine", name, losses(lr), lr=lr)
    page = seen(tmp_path, "mine")
    assert "No comparison of this sweep was fixed beforehand. Exploratory: by held-out loss, second and first" in page


def loops(root: Path, changes: list[float], seed: int = 0) -> None:
    """M0, M1 ... of a seed."""
    place = root / f"s{seed}"
    for number, change in enumerate(changes):
        before = f"m{number - 1}"
        data = DataConfig()
        if number:
            data = DataConfig(scored=folders.scored(place, before, f"{place}/models/{before}"), min_score=4.5)
        own = losses(change + 0.01 * seed, 0.02 * (number + seed % 2))
        folders.point(place, "iterations", f"m{number}", own, seed=seed, data=data, steps=10 + number)


def test_a_round_is_compared_with_the_one_before_under_bonferroni(tmp_path: Path) -> None:
    for seed in (0, 1):
        loops(tmp_path, [0.0, -0.5, -0.5], seed)
    question = asked(tmp_path, "iterations")
    assert sides(question) == [("M2", "M1"), ("M2", "M0"), ("M1", "M0")]
    assert {change.interval.comparisons for one in question.stated for change in one.changes.values()} == {3}
    page, files = build(str(tmp_path), "iterations", "files")
    page = text(page)
    assert (
        page.index("M2 and M1 cannot be told apart") < page.index("M2 is better than M0") < page.index("M1 is better")
    )
    assert "M1 against M0, held-out loss: paired t test over 12 held-out pairs and 2 seeds, corrected for 3" in page
    assert "M2 and M1 differ in optimiser steps (12 against 11); M2 and M0 differ in" in page
    rows = {row["series"]: row for row in csv.DictReader(io.StringIO(files["numbers.csv"].decode()))}
    assert [rows[name]["change_from"] for name in ("M0", "M1", "M2")] == ["", "M0", "M1"]
    change = question.stated[2].changes["heldout_loss"].interval
    assert (
        float(rows["M1"]["heldout_loss_change_low"]) == pytest.approx(change.low) and rows["M1"]["comparisons"] == "3"
    )
    assert f"{change.low:.3f} to {change.high:.3f}".replace("-", "−") in page


def test_two_rounds_are_one_comparison_and_a_gap_between_rounds_none(tmp_path: Path) -> None:
    loops(tmp_path, [0.0, -0.5])
    question = asked(tmp_path, "iterations")
    assert sides(question) == [("M1", "M0")] and question.count == 1 and not question.plan.unplanned
    loops(tmp_path / "more", [0.0, -0.5, -0.6])
    shutil.rmtree(tmp_path / "more" / "s0" / "evals" / "m1")
    question = asked(tmp_path / "more", "iterations")
    assert not question.stated
    assert question.plan.unplanned == "The planned comparison, the last round against the one before, is not there."


def test_table_and_headline_of_the_best_are_corrected_alike(tmp_path: Path) -> None:
    for number, lr in enumerate((1e-5, 3e-5, 1e-4, 3e-4)):
        folders.point(tmp_path, "learning_rate", f"lr{lr}", losses(-number * number / 100, 0.03 * number), lr=lr)
    question = asked(tmp_path, "learning_rate")
    own = {one.ours.place.x: one.changes["heldout_loss"].interval for one in question.table.values()}
    assert {change.comparisons for change in own.values()} == {3}
    once = compare(question.stated[0].ours, question.plan.base).changes["heldout_loss"].interval
    assert own[3e-4].low < once.low and own[3e-4].error == once.error
    page, files = build(str(tmp_path), "learning_rate", "files")
    rows = {row["x"]: row for row in csv.DictReader(io.StringIO(files["numbers.csv"].decode()))}
    assert float(rows["0.0003"]["heldout_loss_change_low"]) == pytest.approx(own[3e-4].low)
    assert "paired over held-out pairs and equal seeds, corrected for 3 comparisons (Bonferroni)." in text(page)


def test_a_comparison_of_three_corrects_its_two_findings(tmp_path: Path) -> None:
    for number in range(3):
        folders.point(tmp_path, "tags", f"t{number}", losses(-number / 10, 0.05 * number), seed=number)
    page = text(page_of_two.build(str(tmp_path), ["t0", "t1", "t2"]))
    assert "t2 against t0, held-out loss: paired t test over 12 held-out pairs, one seed each, corrected for 2" in page
    assert "paired over the held-out pairs that both models share, corrected for 2 comparisons (Bonferroni)." in page
    assert "Bonferroni" not in text(page_of_two.build(str(tmp_path), ["t0", "t1"]))


def test_one_seed_speaks_of_held_out_pairs_alone(tmp_path: Path) -> None:
    for seed in (0, 1):
        folders.point(tmp_path, "curation_threshold", f"none{seed}", losses(0.0, 0.1 * seed), seed=seed,
                      data=folders.curated(tmp_path, 24, None))  # fmt: skip
    folders.point(tmp_path, "curation_threshold", "a5", losses(3.0), data=folders.curated(tmp_path, 24, 4.5))
    assert "beyond the noise of the held-out pairs alone (one seed on a side)." in seen(tmp_path, "curation_threshold")
    folders.point(tmp_path, "curation_threshold", "a5-s1", losses(3.0), seed=1, data=folders.curated(tmp_path, 24, 4.5))
    assert re.search(r"to \+\d\.\d+\), beyond noise\.", seen(tmp_path, "curation_threshold"))


@pytest.mark.parametrize("moved", [-0.06, -0.09, -0.2])
def test_one_pair_has_one_verdict_on_all_pages(tmp_path: Path, moved: float) -> None:
    """Uncorrected p of 0.03, 0.003 and less: for three comparisons the first is noise, and so it is everywhere."""
    for number, change in enumerate((0.0, 0.0, moved)):
        before = f"m{number - 1}"
        data = DataConfig()
        if number:
            data = DataConfig(scored=folders.scored(tmp_path, before, f"{tmp_path}/models/{before}"), min_score=4.5)
        own = losses(change, 0.08 if number == 2 else 0.0)
        folders.point(tmp_path, "iterations", f"m{number}", own, data=data)
    _, results = loop.compared(str(tmp_path), read_catalog(str(tmp_path)))
    (of_loop,) = [one for one in results["rounds"].stated if one.theirs.label == "M0" and one.ours.label == "M2"]
    (of_sweep,) = [
        one for one in asked(tmp_path, "iterations").stated if one.theirs.label == "M0" and one.ours.label == "M2"
    ]
    assert of_loop.changes["heldout_loss"] == of_sweep.changes["heldout_loss"]
    said = findings.stated(of_loop)[0]
    assert ("better" in said) == (moved < -0.07)
    assert said in text(build(str(tmp_path), "iterations", "files")[0])
    change = of_loop.changes["heldout_loss"]
    ends = span(change.interval.ends, change.form)
    assert ends in said and f"{ends} {'better' if change.side else 'within noise'} p" in text(loop.build(str(tmp_path)))
    assert said in text(page_of_two.build(str(tmp_path), ["m0", "m2"]))
    assert said in text(page_of_two.build(str(tmp_path), ["m0", "m2", "m1"]))


def test_a_pair_of_several_plans_is_corrected_for_the_largest(tmp_path: Path) -> None:
    """A5 against no curation is planned alone, but the loop's page makes two comparisons with the same reference."""
    reference = f"{tmp_path}/evals/none"
    folders.point(tmp_path, "curation_threshold", "none", losses(0.0), data=folders.curated(tmp_path, 24, None))
    for least in (4.0, 4.5):
        folders.point(tmp_path, "curation_threshold", f"a{least}", losses(-0.3, 0.0), outcomes=["win"] * 9 + ["loss"] * 3,
                      data=folders.curated(tmp_path, 24, least), reference=reference)  # fmt: skip
    (said,) = asked(tmp_path, "curation_threshold").stated
    assert {change.interval.comparisons for change in said.changes.values()} == {2}
    win = said.changes["win_rate"]
    assert win.even and (win.interval.value, win.level.value) == (25.0, 75.0)
    assert findings.sentence(said, win).partition(": ")[2] in text(page_of_two.build(str(tmp_path), ["none", "a4.5"]))
    assert f"a4.5 24 75.0 {span(win.level.ends, '.1f')} " in text(loop.build(str(tmp_path)))


def test_a_change_of_points_ends_where_no_larger_one_is(tmp_path: Path) -> None:
    """Two verdicts a model: the interval of the change would reach beyond 100 points."""
    for least, outcomes in ((None, ["win", "loss"]), (4.5, ["loss", "win"])):
        folders.point(tmp_path, "curation_threshold", f"a{least}", losses(0.0), outcomes=outcomes,
                      data=folders.curated(tmp_path, 24, least))  # fmt: skip
    (said,) = asked(tmp_path, "curation_threshold").stated
    win = said.changes["win_rate"].interval
    assert win.reach > 100 and win.ends == (-100.0, 100.0)


@pytest.mark.parametrize("judge", ["org/judge", "org/other"])
def test_win_rates_by_other_judges_are_other_settings_and_not_compared(tmp_path: Path, judge: str) -> None:
    for least, won, by in ((None, 3, "org/judge"), (4.5, 12, judge)):
        outcomes = ["win"] * won + ["loss"] * (ROWS - won)
        folders.point(tmp_path, "curation_threshold", f"a{least}", losses(-0.5 if least else 0.0, 0.1 * bool(least)),
                      outcomes=outcomes, data=folders.curated(tmp_path, 24, least), judge=by)  # fmt: skip
    page = seen(tmp_path, "curation_threshold")
    assert ("By win rate, A5 is better" in page) == (judge == "org/judge")
    assert ("Some win rates are against other opponents or by other judges" in page) == (judge == "org/other")
    assert "y held-out loss, A5 is better than no curation" in page
    folders.point(tmp_path, "curation_threshold", "again", losses(0.1), outcomes=["win"] * ROWS, seed=1,
                  data=folders.curated(tmp_path, 24, 4.5), judge="org/judge")  # fmt: skip
    pooled = [s for s in told(tmp_path, "curation_threshold") if len(s.runs) == 2]
    assert bool(pooled) == (judge == "org/judge")


def test_references_that_differ_by_their_seed_are_one_opponent(tmp_path: Path) -> None:
    for seed in (0, 1):
        root = tmp_path / f"s{seed}"
        folders.point(root, None, "base", losses(0.0), seed=seed)
        for least in (None, 4.5):
            folders.point(root, "curation_threshold", f"a{least}", losses(0.0), outcomes=["win"] * ROWS, seed=seed,
                          data=folders.curated(root, 24, least), reference=f"{root}/evals/base")  # fmt: skip
    assert [len(s.runs) for s in told(tmp_path, "curation_threshold")] == [2, 2]
    assert asked(tmp_path, "curation_threshold").stated[0].changes.keys() == {"win_rate", "heldout_loss"}


def test_references_of_other_models_are_other_opponents(tmp_path: Path) -> None:
    for number, (name, least) in enumerate((("none", None), ("a5", 4.5))):
        folders.point(tmp_path, None, f"base{number}", losses(0.0), lr=1e-5 * (1 + number))
        folders.point(tmp_path, "curation_threshold", name, losses(0.0), outcomes=["win"] * ROWS,
                      data=folders.curated(tmp_path, 24, least), reference=f"{tmp_path}/evals/base{number}")  # fmt: skip
    assert asked(tmp_path, "curation_threshold").stated[0].changes.keys() == {"heldout_loss"}


def test_losses_over_other_tokens_are_not_compared(tmp_path: Path) -> None:
    for least, labels in ((None, 10), (4.5, 12)):
        folders.point(tmp_path, "curation_threshold", f"a{least}", losses(-0.5 if least else 0.0),
                      outcomes=["win"] * ROWS, data=folders.curated(tmp_path, 24, least), labels=labels)  # fmt: skip
    page = seen(tmp_path, "curation_threshold")
    assert "By win rate, A5 and no curation" in page and "By held-out loss" not in page
    assert "Some models split the same answers into other tokens" in page
    page = text(page_of_two.build(str(tmp_path), ["aNone", "a4.5"]))
    assert "By held-out loss" not in page and "Some models split the same answers into other tokens" in page


def tags(root: Path, same_seeds: bool) -> Interval:
    """Two seeds far apart, with and without tags; both sides have the same, or each its own."""
    for number in (0, 1):
        for asked_with in (["seed", "web"], []):
            seed = number if same_seeds or asked_with else 2 + number
            own = losses(3.0 * number - 0.3 * bool(asked_with), 0.05 if asked_with else 0.0)
            folders.point(root, "tags", f"asked{len(asked_with)}-s{seed}", own, seed=seed, tags=asked_with, lr=1e-5)
    last, first = reversed(told(root, "tags"))
    return compare(last, first).changes["heldout_loss"].interval


def test_the_same_seeds_are_paired(tmp_path: Path) -> None:
    same, others = tags(tmp_path / "same", True), tags(tmp_path / "others", False)
    assert same.value == others.value == pytest.approx(-0.3)
    # Both seeds gain the same, so what is left are rows: deviations of 0.05 * sqrt(12 / 11).
    assert same.error == pytest.approx(0.05 / math.sqrt(11)) and others.error > 1
    assert "12 held-out pairs and 2 seeds, p" in seen(tmp_path / "same", "tags")
    found = told(tmp_path / "same", "tags")
    (base,), (change,) = plots.changes(LOSS, make(plan_of_ablation(ABLATIONS["tags"], found), {}), found).values()
    assert (base.value, base.reach) == (0.0, [[0.0], [0.0]])
    assert [change.value, *change.dots] == pytest.approx([-0.3] * 3) and change.high - change.low < 0.1
    assert "12 held-out pairs, 2 and 2 seeds, p" in seen(tmp_path / "others", "tags")


@pytest.mark.parametrize(("size", "said"), [
    (3200, "In the paper: 61.4 % at 3,200 against 51.5 % at 3,200"),
    (25600, "In the paper: 71.2 % at 25,600 against 51.7 % at 25,600"),
    (24, "In the paper, at its own largest size and not at ours: 71.2 % at 25,600 against 51.7 % at 25,600"),
])  # fmt: skip
def test_the_papers_figures_are_those_at_our_size(tmp_path: Path, size: int, said: str) -> None:
    for least in (None, 4.5):
        threshold(tmp_path, least, size)
    assert said in seen(tmp_path, "curation_threshold")


def test_the_papers_growth_is_between_our_sizes(tmp_path: Path) -> None:
    for size in (6400, 12800):
        threshold(tmp_path, 4.5, size, group="data_size")
    assert "In the paper: 69.8 % at 12,800 against 67.2 % at 6,400, +2.6 points" in seen(tmp_path, "data_size")
    threshold(tmp_path, 4.5, 100, group="data_size")
    assert "In the paper, at its own sizes and not at ours: 71.2 % at 25,600 against 61.4 % at 3,200" in seen(
        tmp_path, "data_size"
    )
