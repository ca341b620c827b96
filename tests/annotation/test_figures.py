"""What the summary says of judgements one can count by hand."""

import math

import pytest

from humpback_exp.annotation import figures
from humpback_exp.annotation.agreement import agreement
from humpback_exp.evaluation.statistics import wilson
from humpback_exp.records import Annotation

VALUES = {"win": 1, "tie": 0, "loss": -1}


def rows(*given: tuple[str, str, str], against: str = "base") -> list[Annotation]:
    """Rater, item and outcome of each judgement."""
    return [
        Annotation(
            item=f"{against}-{item}", source=item, rater=rater, screening=False, models=["m1", against], instruction="?",
            texts=["a", "b"], outcome=outcome, value=VALUES[outcome], swapped=item == "p2", reason="it is clear",
            seconds=float(number), judged_at="",
        )
        for number, (rater, item, outcome) in enumerate(given)
    ]  # fmt: skip


JUDGED = rows(
    ("r1", "p1", "win"), ("r2", "p1", "win"), ("r1", "p2", "loss"), ("r2", "p2", "tie"), ("r1", "p3", "tie"),
    ("r2", "p3", "tie"), ("r1", "p4", "win"),
)  # fmt: skip


def test_shares_are_means_over_items() -> None:
    row = figures.comparisons(JUDGED)[0]
    assert (row["model"], row["against"], row["items"], row["judgements"]) == ("m1", "base", 4, 7)
    assert (row["win"], row["tie"], row["loss"], row["win rate"]) == (0.5, 0.375, 0.125, 0.6875)
    assert (row["win_low"], row["win_high"]) == pytest.approx((0.15004, 0.84996), abs=1e-5)


def test_wilson() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I)."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(1.0, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)
    assert all(wilson(1.0, count)[1] == 1 and wilson(0.0, count)[0] == 0 for count in range(1, 500))


def test_one_label_alone_has_no_agreement_beyond_chance() -> None:
    alike = rows(("r1", "p1", "win"), ("r2", "p1", "win"), ("r1", "p2", "loss"))
    assert agreement(alike, ordered=False) == {"items with several raters": 1}


def test_raters_agree_as_krippendorff_and_cohen_say() -> None:
    found = agreement(JUDGED, ordered=False)
    # Three items of two raters: coincidences win-win 2, tie-tie 2, loss-tie 1 each way; 5 of 6 differ never.
    observed, expected = 2 / 6, 1 - (2 * 1 + 3 * 2 + 1 * 0) / (6 * 5)
    assert found["alpha"] == pytest.approx(1 - observed / expected)
    assert found["alpha_low"] <= found["alpha"] <= found["alpha_high"]
    assert found["mean kappa"] == pytest.approx((2 / 3 - 1 / 3) / (1 - 1 / 3))
    assert (found["items with several raters"], found["pairs of raters"]) == (3, 1)
    assert agreement(JUDGED[-1:], ordered=False) == {"items with several raters": 0}


def test_strengths_are_odds_of_winning() -> None:
    judged = rows(*[("r1", f"p{n}", "win") for n in range(3)], ("r1", "p9", "loss"))
    judged += rows(("r1", "p1", "win"), ("r1", "p2", "loss"), against="other")
    found = {row["model"]: row["chance against the first"] for row in figures.strengths(judged)}
    assert found == pytest.approx({"m1": 0.5, "other": 0.5, "base": 0.25}, abs=1e-4)
    assert figures.strengths(JUDGED[:2]) == []


def test_people_are_held_against_the_judge() -> None:
    said = {("m1", "base"): {"p1": "win", "p2": "loss", "p3": "tie", "p4": "loss", "p5": "win"}}
    row = figures.with_judge(JUDGED, said)[0]
    assert (row["items"], row["agreement"]) == (4, 0.5)  # p2: win and tie level among raters, so a tie
    assert row["kappa"] == pytest.approx((0.5 - 0.25) / (1 - 0.25))
    assert figures.with_judge(JUDGED, {}) == []


def test_a_rater_who_looks_at_places_shows() -> None:
    found = {row["rater"]: row for row in figures.raters(JUDGED)}
    assert (found["r1"]["judged"], found["r1"]["chose A"], found["r1"]["words a reason"]) == (4, 1.0, 3)
    assert found["r2"]["median seconds"] == 3.0
    assert not math.isnan(found["r2"]["chose A"])
