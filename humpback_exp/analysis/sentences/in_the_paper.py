"""The paper's figures for the two settings of a headline, as a sentence."""

from collections.abc import Sequence

from humpback_exp.analysis.comparisons import Comparison
from humpback_exp.analysis.format import amount, number
from humpback_exp.analysis.paper import Published, number_of


def in_the_paper(comparisons: Sequence[Comparison], published: Sequence[Published]) -> str:
    """The paper's figures for the headline's two settings; where it lacks either size, at its own, which is said."""
    if not comparisons:
        return ""
    ours, theirs = (number_of(published, side) for side in (comparisons[0].ours, comparisons[0].theirs))
    where = ""
    if ours is None or theirs is None:
        ours, theirs, where = _own_ends(comparisons[0], published)
    if ours is None or theirs is None or ours == theirs:
        return ""
    gap = ours.win_rate - theirs.win_rate
    text = f"In the paper{where}: {_published(ours)} against {_published(theirs)}, {number(gap, '+.1f')} points"
    if ours.error and theirs.error:
        errors = abs(gap) / (ours.error**2 + theirs.error**2) ** 0.5
        text += f", {errors:.1f} standard errors if the prompts are not paired"
    return f"{text} ({ours.source})."


def _own_ends(comparison: Comparison, published: Sequence[Published]) -> tuple[Published | None, Published | None, str]:
    """The paper's own last size of both series, or its last and its first along one, and that these are not ours."""
    ours, theirs = (
        [row for row in published if row.series == side.place.series] for side in (comparison.ours, comparison.theirs)
    )
    if not ours or not theirs:
        return None, None, ""
    pairs = [(last, first) for last in ours for first in theirs if last.x == first.x]
    if pairs and ours != theirs:
        return *pairs[-1], ", at its own largest size and not at ours"
    return ours[-1], theirs[0] if ours == theirs else theirs[-1], ", at its own sizes and not at ours"


def _published(row: Published) -> str:
    at = "" if row.x is None else f" at {amount(row.x)}"
    return f"{row.win_rate:g} %{at}"
