"""Selection by threshold, share and size; the ledger."""

import pytest

from humpback_exp.curation.ledger import outcome, tally
from humpback_exp.curation.selection import ids_hash, select
from humpback_exp.records import ScoredCandidate


def row(name: str, score: float | None, result: str = "scored") -> ScoredCandidate:
    return ScoredCandidate(
        id=name, url="u", offset=0, heading_path=[], instruction="i", output="o", score=score, outcome=result
    )


ROWS = [row(f"c{i}", score) for i, score in enumerate([1, 5, 4, None, 3, 5, 4, 2])]


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        ({"min_score": 4.5}, {"c1", "c5"}),
        ({"min_score": 4}, {"c1", "c2", "c5", "c6"}),
        ({"min_score": 6}, set()),
        ({"top_fraction": 0.25}, {"c1", "c5"}),
        ({"top_fraction": 1.0}, {f"c{i}" for i in range(8)} - {"c3"}),
        ({}, {f"c{i}" for i in range(8)}),
    ],
)
def test_what_is_kept(bounds: dict[str, float], kept: set[str]) -> None:
    assert {r.id for r in select(ROWS, **bounds)} == kept


def test_a_smaller_size_is_a_prefix_of_a_larger() -> None:
    three, five = select(ROWS, size=3, seed=7), select(ROWS, size=5, seed=7)
    assert [r.id for r in three] == [r.id for r in five][:3]
    assert len(five) == 5


def test_order_depends_on_the_seed_not_on_the_input_order() -> None:
    ids = [r.id for r in select(ROWS, seed=1)]
    assert ids == [r.id for r in select(ROWS[::-1], seed=1)]
    assert ids == ["c0", "c5", "c7", "c3", "c2", "c4", "c6", "c1"]
    assert ids != [r.id for r in select(ROWS, seed=2)]


def test_ties_at_the_boundary_are_broken_by_the_seeded_order() -> None:
    tied = [row(f"t{i}", 3) for i in range(6)]
    first = {r.id for r in select(tied, top_fraction=0.5, seed=0)}
    assert len(first) == 3
    assert first == {r.id for r in select(tied[::-1], top_fraction=0.5, seed=0)}


def test_ids_hash_ignores_order() -> None:
    assert ids_hash(["b", "a"]) == ids_hash(["a", "b"]) != ids_hash(["a"])


def test_the_ledger_adds_up() -> None:
    rows = [row("a", 4), row("b", 2, "re-asked"), row("c", None, "abandoned")]
    ledger = tally(rows)
    assert dict(ledger.outcomes) == {"scored": 1, "re-asked": 1, "abandoned": 1}
    assert (ledger.total, ledger.scores) == (3, [4, 2])
    assert ledger.readable_share() == pytest.approx(2 / 3)


def test_outcomes() -> None:
    assert [outcome(4.0, 1), outcome(4.0, 2), outcome(None, 3)] == ["scored", "re-asked", "abandoned"]
