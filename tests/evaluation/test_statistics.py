"""Standard errors, areas, verdicts: small numbers worked by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.statistics import area_difference, mean_and_error, paired_area, ratio_and_error
from humpback_exp.records import Answer, Example


def test_mean_and_error() -> None:
    assert mean_and_error([0.0, 1.0, 1.0, 0.0]) == (0.5, pytest.approx(math.sqrt(1 / 3 / 4)))
    mean, error = mean_and_error([3.0])
    assert mean == 3.0 and math.isnan(error)


def test_ratio_weighs_rows_by_their_tokens() -> None:
    ratio, error = ratio_and_error([10.0, 2.0], [10, 1])
    assert ratio == pytest.approx(12 / 11)
    assert error == pytest.approx(math.sqrt((10 - 120 / 11) ** 2) / 5.5)


@pytest.mark.parametrize(
    ("pairs", "area"),
    [([(2, 1), (3, 0)], 1.0), ([(1, 1)], 0.5), ([(1, 2), (3, 2)], 0.5), ([(0, 1), (None, 2)], 0.0), ([(4, None), (2, 3)], 0.5)],
)  # fmt: skip
def test_area(pairs: list[tuple[float | None, float | None]], area: float) -> None:
    assert paired_area(pairs)[0] == area


def test_nothing_readable_has_no_area() -> None:
    assert all(map(math.isnan, paired_area([(None, 1.0), (None, 2.0)])))


def test_the_error_of_an_area_covers_it_at_the_stated_rate() -> None:
    """True area of two normals one deviation apart: the normal distribution at 1 / sqrt(2), 0.760; two values of a pair
    share half their variance. Two standard errors are to cover it in about 95 of 100 draws."""
    stream, inside = np.random.Generator(np.random.PCG64(0)), 0
    for _ in range(300):
        shared, own = stream.normal(size=(1, 40)), stream.normal(size=(2, 40))
        first, second = np.sqrt(0.5) * (shared + own) + [[1.0], [0.0]]
        area, error = paired_area(list(zip(first, second, strict=True)))
        inside += abs(area - 0.7602) < 2 * error
    assert 0.91 < inside / 300 < 0.98


def test_a_difference_of_areas_is_paired() -> None:
    """Two scorers of the same 60 pairs share most of their noise; both areas are equal, so the truth is 0."""
    stream, inside, widths = np.random.Generator(np.random.PCG64(1)), 0, []
    for _ in range(300):
        hard, own = stream.normal(size=60), stream.normal(size=(2, 60))
        scores = (np.arange(60) < 20) + 0.9 * hard + 0.4 * own
        first, second = ([(x, None) if i < 20 else (None, x) for i, x in enumerate(row)] for row in scores)
        difference, error = area_difference(first, second)
        assert difference == pytest.approx(paired_area(first)[0] - paired_area(second)[0])
        widths.append(error / math.hypot(paired_area(first)[1], paired_area(second)[1]))
        inside += abs(difference) < 2 * error
    assert 0.91 < inside / 300 < 0.98
    assert max(widths) < 0.8
    assert area_difference(first, first) == (0, 0)


def answer(name: str, loss: float, labels: int) -> Answer:
    return Answer(id=name, instruction="i", human="h", answer=None, loss=loss, labels=labels)


def test_heldout_loss_is_a_mean_over_tokens_and_its_change_is_paired() -> None:
    ours, base = [answer("a", 1.0, 10), answer("b", 2.0, 30)], [answer("a", 2.0, 10), answer("b", 3.0, 30)]
    assert heldout.summary(ours)["heldout_loss"] == pytest.approx(70 / 40)
    change = heldout.difference(ours, {row.id: row for row in base})
    assert change == {"heldout_change": -1.0, "heldout_change_error": pytest.approx(0.0)}


def test_losses_of_other_tokens_or_texts_are_not_compared(caplog: pytest.LogCaptureFixture) -> None:
    ours, base = [answer("a", 1.0, 10), answer("b", 2.0, 30)], {"a": answer("a", 2.0, 10), "b": answer("b", 2.0, 29)}
    assert heldout.difference(ours, base) == {}
    assert "heldout: the reference counts other tokens in 1 of 2 answers" in caplog.text
    pairs = [Example(id=name, source="seed", instruction="i", output="h") for name in "abc"]
    heldout.require_same_pairs(pairs, base, "heldout", "evals/base")
    heldout.require_same_pairs([replace(pairs[0], output="H")], {"a": answer("a", 0.0, 0)}, "heldout", "evals/base")
    for other in (replace(pairs[1], output="H"), replace(pairs[1], instruction="I")):
        with pytest.raises(
            ValueError, match=r"^reference=evals/base: its heldout are other pairs: 1 of 2 differ .* \(b: '"
        ):
            heldout.require_same_pairs([pairs[0], other], base, "heldout", "evals/base")


def test_pairs_beyond_the_context_are_left_out() -> None:
    rows = [answer("a", 1.0, 10), answer("b", float("nan"), 0), answer("c", 3.0, 10)]
    assert heldout.summary(rows)["heldout_loss"] == pytest.approx(2.0)
    assert heldout.summary(rows)["heldout_pairs"] == 2
