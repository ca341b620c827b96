"""What becomes of a candidate, and counts that add up."""

import math

import pytest

from humpback_exp.curation.outcomes import scored, tally
from humpback_exp.curation.parsing import Rated
from humpback_exp.records import Candidate, Measured, ScoredCandidate

CANDIDATE = Candidate(id="a", url="u", offset=7, heading_path=["h"], instruction="i", output="o", raw="i")


def row(score: float | None, outcome: str = "scored", dropped: str = "") -> Measured:
    nothing = dict.fromkeys(("generated", "expected", "mass", "forward", "backward"))
    return Measured(id="a", score=score, outcome=outcome, dropped=dropped, **nothing)


def test_the_ledger_adds_up() -> None:
    rows = [row(4.0), row(2.5), row(3.49, "re-asked"), row(1.0), row(None, "abandoned", "empty")]
    outcomes = tally([*rows, row(None, "abandoned", "unreadable"), row(None, "abandoned", "unreadable")])
    assert dict(outcomes.counts) == {"scored": 3, "re-asked": 1, "abandoned": 3}
    assert dict(outcomes.drops) == {"empty": 1, "unreadable": 2}
    assert (outcomes.total, outcomes.readable, outcomes.mean()) == (7, 4, pytest.approx(10.99 / 4))
    assert outcomes.histogram() == {"1": 1, "2": 0, "3": 2, "4": 1, "5": 0}


def test_no_score_at_all_has_no_mean() -> None:
    assert math.isnan(tally([row(None, "abandoned", "empty")]).mean())


def test_a_row_without_score_or_reason_is_refused() -> None:
    for wrong in (row(None), row(3.0, "abandoned", "empty"), row(None, "abandoned")):
        with pytest.raises(AssertionError):
            tally([wrong])


@pytest.mark.parametrize(
    ("rated", "outcome"),
    [
        (Rated(generated=4.0, raw=["Score: 4"]), "scored"),
        (Rated(generated=4.0, raw=["?", "Score: 4"], re_asked=True), "re-asked"),
        (Rated(raw=["?", "?"], dropped="unreadable"), "abandoned"),
    ],
)
def test_a_scored_row_keeps_the_candidate_and_all_that_was_measured(rated: Rated, outcome: str) -> None:
    assert scored(CANDIDATE, rated.generated, rated) == ScoredCandidate(
        id="a",
        url="u",
        offset=7,
        heading_path=["h"],
        instruction="i",
        output="o",
        score=rated.generated,
        outcome=outcome,
        dropped=rated.dropped,
        generated=rated.generated,
        raw=rated.raw,
    )
