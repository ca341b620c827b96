"""w = alpha ln N + C: exact on curves without noise, intervals at the stated rate, and the paper's own figure."""

from dataclasses import replace

import numpy as np
import pytest

from humpback_exp.analysis.scaling import fit, fit_rows, published_curves
from humpback_exp.evaluation.intervals import Grid, paired

SIZES = (3200, 6400, 12800, 25600)
ROWS = 40


def test_a_curve_without_noise_is_recovered_and_has_no_interval() -> None:
    curve = fit(SIZES, [5 * np.log(size) + 10 for size in SIZES])
    assert curve is not None
    assert (curve.alpha, curve.intercept) == (pytest.approx(5), pytest.approx(10))
    assert curve.alpha_interval is curve.intercept_interval is None
    assert curve(1000) == pytest.approx(5 * np.log(1000) + 10)


@pytest.mark.parametrize("sizes", [SIZES[:3], (*SIZES, 51200), (100, 800, 1600, 12800, 25600, 51200)])
@pytest.mark.parametrize("noise", ["normal", "laplace"])
def test_points_alone_have_intervals_at_the_stated_rate(sizes: tuple[int, ...], noise: str) -> None:
    rng = np.random.default_rng(5)
    hits = np.zeros(2)
    for _ in range(400):
        curve = fit(sizes, 5 * np.log(sizes) + 10 + 3 * getattr(rng, noise)(size=len(sizes)))
        assert curve is not None and curve.alpha_interval and curve.intercept_interval
        hits += (
            curve.alpha_interval[0] <= 5 <= curve.alpha_interval[1],
            (curve.intercept_interval[0] <= 10 <= curve.intercept_interval[1]),
        )
    assert ((0.93 <= hits / 400) & (hits / 400 <= 0.98)).all(), hits / 400


def runs(rng: np.random.Generator, sizes: tuple[int, ...], seeds: int, noise: dict[str, float]) -> list[Grid]:
    """Curves of slope 5 over rows that all runs share; noise of rows, of their slopes, and of size x row, size, run, cell."""
    logs = np.log(np.array(sizes))[:, None, None]
    shapes = {
        "row": (1, 1, ROWS),
        "slope": (1, 1, ROWS),
        "size x row": (len(sizes), 1, ROWS),
        "size": (len(sizes), 1, 1),
        "run": (len(sizes), seeds, 1),
        "cell": (len(sizes), seeds, ROWS),
    }
    drawn = {name: rng.normal(0, noise.get(name, 0.0), shape) for name, shape in shapes.items()}
    drawn["slope"] = drawn["slope"] * (logs - logs.mean())
    values = 5 * logs + np.zeros((1, seeds, ROWS)) + sum(drawn.values())
    return [Grid(each, np.ones(ROWS)) for each in values]


def coverage(sizes: tuple[int, ...], seeds: int, noise: dict[str, float]) -> float:
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        curve = fit_rows(sizes, runs(rng, sizes, seeds, {"row": 30.0} | noise))
        assert curve is not None and curve.alpha_interval
        hits += curve.alpha_interval[0] <= 5 <= curve.alpha_interval[1]
    return hits / 400


NOISE = {
    "rows of one size deviate together, as much as runs do": {"size x row": ROWS**0.5, "run": 1.0},
    "rows have slopes of their own": {"slope": 6.0, "run": 0.5},
    "runs alone": {"run": 1.0},
    "runs of one size share their pairs": {"size": 1.0, "run": 1.0},
    "cells alone": {"cell": 10.0},
}


@pytest.mark.parametrize(("sizes", "seeds"), [(SIZES, 1), (SIZES, 3), ((100, 800, 1600, 12800, 25600, 51200), 2)])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_runs_on_shared_rows_have_intervals_at_the_stated_rate(
    sizes: tuple[int, ...], seeds: int, noise: dict[str, float]
) -> None:
    """Or above: noise counts in every part it shows in, that of single cells in all three."""
    highest = 1.0 if "cell" in noise else 0.995
    assert 0.93 <= coverage(sizes, seeds, noise) <= highest


def test_intervals_are_not_far_wider_than_they_must_be() -> None:
    """Their median reach against that of a known error, in the scenario of a deviation all runs of a size share."""
    rng, shared = np.random.default_rng(3), NOISE["rows of one size deviate together, as much as runs do"]
    curves = [fit_rows(SIZES, runs(rng, SIZES, 3, shared)) for _ in range(200)]
    reaches = [(high - low) / 2 for curve in curves if curve for low, high in [curve.alpha_interval or (0.0, 0.0)]]
    known = 1.96 * float(np.std([curve.alpha for curve in curves if curve]))
    assert 1.0 <= np.median(reaches) / known <= 1.6


def test_two_sizes_would_have_the_interval_of_their_difference() -> None:
    grids = runs(np.random.default_rng(1), (100, 800), 3, {"row": 1.0, "run": 1.0, "cell": 1.0})
    curve, change = fit_rows((100, 800), grids), paired(grids[1], grids[0])
    assert curve is not None and curve.alpha == pytest.approx(change.value / np.log(8))
    assert curve.points == 6 and curve.alpha_interval is None
    straight = fit_rows((100, 800, 6400), [*grids, Grid(2 * grids[1].values - grids[0].values, grids[0].weights)])
    assert (
        straight is not None and straight.alpha == pytest.approx(change.value / np.log(8)) and straight.alpha_interval
    )


def test_a_size_counts_once_however_many_seeds_it_has() -> None:
    values = [50.0, 58.0, 66.0]
    assert fit((100, 800, 6400, 6400, 6400), [50.0, 58.0, 60.0, 66.0, 72.0]) == replace(
        fit((100, 800, 6400), values), points=5
    )


@pytest.mark.parametrize(
    ("counts", "points"), [((100, 100), None), ((0, 100), None), ((100, 800), 2), ((1, 1, 1, 4), 4)]
)
def test_too_few_points_give_no_interval_or_no_curve(counts: tuple[int, ...], points: int | None) -> None:
    curve = fit(counts, [float(i * i) for i in range(len(counts))])
    assert (curve.points if curve else None) == points
    assert curve is None or curve.alpha_interval is None


@pytest.mark.parametrize(
    "counts", [(100, 100, 100, 100, 3200), (120, 120, 120, 120, 120, 3200), (100,) * 4 + (3200,) * 4]
)
def test_two_different_sizes_give_a_curve_without_an_interval(counts: tuple[int, ...]) -> None:
    curve = fit(counts, [50.0 + run % 3 for run in range(len(counts))])
    assert curve is not None and curve.points == len(counts)
    assert curve.alpha_interval is curve.intercept_interval is None


def test_the_papers_figure_gives_the_papers_alpha_where_it_can() -> None:
    """Table 3 beside a refit with the natural logarithm of the points read off Figure 4."""
    found = {name: (printed, round(curve.alpha, 2)) for name, printed, curve in published_curves()}
    assert found == {
        "Humpback": (6.95, 5.70),
        "WizardLLM": (5.69, 5.29),
        "Alpaca-GPT4": (5.40, 5.33),
        "Vicuna": (4.53, 4.10),
        "Open Assistant": (4.43, 4.26),
        "LIMA": (2.86, 2.89),
        "Alpaca": (1.99, 2.17),
        "FLAN v2": (0.22, 0.22),
    }


def test_the_printed_alpha_of_humpback_lies_inside_the_interval_of_its_points() -> None:
    curve = next(curve for name, _, curve in published_curves() if name == "Humpback")
    assert curve.alpha_interval == (pytest.approx(2.42, abs=0.005), pytest.approx(8.99, abs=0.005))
