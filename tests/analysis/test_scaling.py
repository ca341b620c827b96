"""w = alpha ln N + C: exact on curves without noise, intervals at the stated rate, and the paper's own figure."""

import numpy as np
import pytest

from humpback_exp.analysis.curves import published_curves
from humpback_exp.analysis.scaling import fit

SIZES = (3200, 6400, 12800, 25600)


def test_a_curve_without_noise_is_recovered_and_has_no_interval() -> None:
    curve = fit(SIZES, [5 * np.log(size) + 10 for size in SIZES])
    assert curve is not None
    assert (curve.alpha, curve.intercept) == (pytest.approx(5), pytest.approx(10))
    assert curve.alpha_interval is curve.intercept_interval is None
    assert curve(1000) == pytest.approx(5 * np.log(1000) + 10)


@pytest.mark.parametrize(
    ("sizes", "seeds"), [(SIZES, 3), ((*SIZES, 51200), 1), ((100, 800, 1600, 12800, 25600, 51200), 1)]
)
@pytest.mark.parametrize("noise", ["normal", "laplace"])
def test_intervals_cover_the_truth_at_the_stated_rate(sizes: tuple[int, ...], seeds: int, noise: str) -> None:
    rng = np.random.default_rng(5)
    counts = np.repeat(sizes, seeds)
    hits = np.zeros(2)
    for _ in range(400):
        curve = fit(counts, 5 * np.log(counts) + 10 + 3 * getattr(rng, noise)(size=len(counts)))
        assert curve is not None and curve.alpha_interval and curve.intercept_interval
        hits += (
            curve.alpha_interval[0] <= 5 <= curve.alpha_interval[1],
            (curve.intercept_interval[0] <= 10 <= curve.intercept_interval[1]),
        )
    assert ((0.92 <= hits / 400) & (hits / 400 <= 0.98)).all(), hits / 400


def test_the_same_runs_give_the_same_interval() -> None:
    values = [50.0, 57.0, 59.0, 66.0, 67.0]
    assert fit((100, *SIZES), values) == fit((100, *SIZES), values)


@pytest.mark.parametrize(
    ("counts", "points"), [((100, 100), None), ((0, 100), None), ((100, 800), 2), ((1, 2, 3, 4), 4)]
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
