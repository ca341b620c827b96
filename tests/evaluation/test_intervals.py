"""Intervals over seeds and held-out rows."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from humpback_exp.evaluation.intervals import Grid, paired, paired_by_seed, pooled, unpaired, weighted


def grid(values: object, weights: object = None) -> Grid:
    cells = np.array(values, dtype=float)
    return Grid(cells, np.ones(cells.shape[1]) if weights is None else np.array(weights, dtype=float))


def test_one_seed_is_the_t_interval_of_its_rows() -> None:
    rows = [1.0, 2.0, 4.0, 3.0, 5.0]
    found = pooled(grid([rows]))
    low, high = stats.t.interval(0.95, 4, np.mean(rows), stats.sem(rows))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.rows, found.seeds, found.freedom) == (5, (1,), 4)


def test_seeds_add_their_own_part() -> None:
    # Row means 2, 3, 4 and seed means 2, 4: variances of their means 1/3 and 1, with 2 and 1 degrees of freedom.
    found = pooled(grid([[1, 2, 3], [3, 4, 5]]))
    assert found.value == 3
    assert found.error == pytest.approx(math.sqrt(1 / 3 + 1))
    assert found.freedom == pytest.approx((4 / 3) ** 2 / (1 / 9 / 2 + 1))


def test_a_loss_a_token_weighs_rows_by_their_tokens() -> None:
    assert pooled(grid([[1.0, 3.0]], weights=[30, 10])).value == 1.5


def test_pairing_takes_out_how_hard_rows_are() -> None:
    ours, theirs = grid([[1.1, 5.0, 9.2]]), grid([[2.0, 6.0, 10.0]])
    found = paired(ours, theirs)
    reference = stats.ttest_rel([1.1, 5.0, 9.2], [2.0, 6.0, 10.0])
    assert found.value == pytest.approx(-0.9)
    assert found.p == pytest.approx(reference.pvalue)
    assert (found.low, found.high) == pytest.approx(reference.confidence_interval(0.95))


def test_other_rows_are_compared_as_welch_does() -> None:
    ours, theirs = [1.1, 5.0, 9.2, 3.0], [2.0, 6.0, 10.0]
    found = unpaired(pooled(grid([ours])), pooled(grid([theirs])))
    assert found.p == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)


def test_several_comparisons_widen_the_interval() -> None:
    found = pooled(grid([[1.0, 2.0, 4.0, 3.0, 5.0]]))
    several = replace(found, comparisons=3)
    assert several.high - 3 == pytest.approx(stats.t.ppf(1 - 0.025 / 3, 4) * found.error)
    assert several.p == pytest.approx(3 * found.p)
    assert replace(found, value=0.0, comparisons=3).p == 1


def test_an_interval_ends_where_the_figure_can_lie() -> None:
    found = pooled(grid([[100, 100, 0, 100]]), bounds=(0.0, 100.0))
    assert (found.value, found.high) == (75, 100) and found.value + found.reach > 100


def test_one_row_or_equal_rows_have_no_interval() -> None:
    assert math.isnan(pooled(grid([[1.0]])).error)
    alike = pooled(grid([[1.0, 1.0]]))
    assert alike.error == 0 and alike.ends == (1.0, 1.0) and math.isnan(alike.p)


def test_the_same_seeds_are_paired() -> None:
    # Differences 1, 2, 3 of the first seed and 3, 4, 5 of the second, however far apart the seeds themselves lie.
    ours, theirs = grid([[11, 22, 33], [103, 204, 305]]), grid([[10, 20, 30], [100, 200, 300]])
    found = paired_by_seed(ours, theirs)
    assert (found.value, found.error) == (3, pytest.approx(math.sqrt(1 / 3 + 1)))
    assert found.seeds == (2, 2) and paired(ours, theirs).error > 50


def test_a_deviation_counts_for_what_exceeds_the_luck_of_seeds() -> None:
    # Row means 2, 3, 4 and seed means 2, 4, as above: parts of 1/3 and 1.
    one = grid([[1, 2, 3], [3, 4, 5]])
    assert weighted([1.0], [one], (0.75, 2)) == weighted([1.0], [one]) == pooled(one)
    wider = weighted([2.0], [one], (4 * 1.5, 2))
    assert (wider.value, wider.error) == (6, pytest.approx(2 * math.sqrt(1 / 3 + 1 + 0.5)))


def coverage(seeds: int, by_seed: bool, shared: float) -> float:
    """Of the difference of two sides whose seeds and rows are both drawn anew each time.

    Args:
        shared: share of a seed's luck that it brings to both sides.
    """
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        rows, luck, both = rng.normal(0, 1, 40), rng.normal(0, 0.1, (2, seeds, 1)), rng.normal(0, 0.1, (seeds, 1))
        own = shared * both + (1 - shared) * luck
        left, right = rng.normal(0, 0.3, (2, seeds, 40)) + rows + own + rng.normal(0, 0.2, (2, 1, 40))
        found = (paired_by_seed if by_seed else paired)(grid(0.5 + left), grid(right))
        hits += found.low <= 0.5 <= found.high
    return hits / 400


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize(("by_seed", "shared"), [(False, 0.0), (True, 0.0), (True, 0.5), (True, 1.0)])
def test_differences_are_covered_at_the_stated_rate_or_little_above(seeds: int, by_seed: bool, shared: float) -> None:
    """The noise of single cells counts in both parts, so intervals err on the wide side."""
    assert 0.92 <= coverage(seeds, by_seed, shared) <= 0.99
