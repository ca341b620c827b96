"""Nats to levels: the paper's shares, ties, missing values, two measures; how far two scorers agree."""

import math

import numpy as np
import pytest

from humpback_exp.curation.agreement import agreement, nearest, spearman
from humpback_exp.curation.calibration import calibrated, quantiles

NAN = math.nan


@pytest.mark.parametrize(("count", "fours", "fives"), [(1000, 388, 83), (502_133, 194_828, 41_677), (10, 4, 1)])
def test_thresholds_keep_the_shares_of_the_paper(count: int, fours: int, fives: int) -> None:
    """38.8 % at 4 and more, 8.3 % at 4.5 and more, whatever the nats look like."""
    nats = np.random.Generator(np.random.PCG64(0)).normal(size=count) ** 3
    scores = calibrated([nats])
    assert (int((scores >= 4).sum()), int((scores >= 4.5).sum())) == (fours, fives)
    assert 1 <= scores.min() and scores.max() <= 5
    assert (np.argsort(scores) == np.argsort(nats)).all()


def test_quantiles_put_equals_in_the_middle_of_their_share() -> None:
    assert quantiles(np.array([3.0, 1.0, 1.0, NAN, 9.0])).tolist() == pytest.approx(
        [0.625, 0.25, 0.25, NAN, 0.875], nan_ok=True
    )


def test_scores_lie_on_straight_lines_between_the_knots() -> None:
    """Quantiles 0.125, 0.375, 0.625 and 0.875 between 0 -> 1, 0.612 -> 4, 0.917 -> 4.5."""
    expected = [1 + 3 * 0.125 / 0.612, 1 + 3 * 0.375 / 0.612]
    expected += [4 + 0.5 * (q - 0.612) / 0.305 for q in (0.625, 0.875)]
    assert calibrated([np.array([-1.0, 0.0, 0.5, 7.0])]).tolist() == pytest.approx(expected)


def test_equal_nats_score_alike_and_unreadable_ones_not_at_all() -> None:
    one, two, none, three = calibrated([np.array([2.0, 2.0, NAN, 5.0])])
    assert one == two < three and math.isnan(none)
    assert calibrated([np.array([0.0] * 4)]).tolist() == pytest.approx([1 + 3 * 0.5 / 0.612] * 4)


def test_two_measures_count_by_their_mean_rank_and_a_row_needs_both() -> None:
    """Ties in one are decided by the other, and opposite orders cancel."""
    forward, backward = np.array([0.1, 0.2, 0.3, 90.0, 0.0]), np.array([-2.0, -2.0, -2.0, -1.0, NAN])
    together = calibrated([forward, backward])
    assert (np.argsort(together[:4]) == [0, 1, 2, 3]).all() and math.isnan(together[4])
    opposed = calibrated([np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])])
    assert opposed[0] == opposed[1] == opposed[2]


def test_agreement_counts_rounded_levels() -> None:
    found = agreement([5.0, 4.0, 1.0, 3.0], [4.4, 3.6, 1.2, 1.4])
    assert (found["compared"], found["equal"], found["within_1"]) == (4, 0.5, 0.75)
    assert found["spearman"] == pytest.approx(1.0)
    assert found["confusion"] == [[1, 0, 0, 0, 0], [0] * 5, [1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]


def test_spearman_takes_ties_at_their_mean_rank() -> None:
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)."""
    assert spearman([1, 2, 2, 3], [10, 20, 30, 40]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(spearman([1, 1], [1, 2])) and math.isnan(spearman([1], [1]))


def test_halves_round_up() -> None:
    assert [nearest(score) for score in (1.0, 1.49, 2.5, 4.5, 5.0)] == [1, 1, 3, 5, 5]
