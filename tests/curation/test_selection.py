"""Selection by threshold, share and size, from ids and scores alone."""

from pathlib import Path

import pytest

from humpback_exp.curation.selection import ids_hash, read_kept, select
from humpback_exp.records import Score, ScoredCandidate, write


def row(name: str, score: float | None) -> Score:
    return Score(id=name, score=score)


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
    assert set(select(ROWS, **bounds)) == kept


def test_a_smaller_size_is_a_prefix_of_a_larger() -> None:
    three, five = select(ROWS, size=3, seed=7), select(ROWS, size=5, seed=7)
    assert three == five[:3]
    assert len(five) == 5


def test_order_depends_on_the_seed_not_on_the_input_order() -> None:
    ids = select(ROWS, seed=1)
    assert ids == select(ROWS[::-1], seed=1)
    assert ids == ["c0", "c5", "c7", "c3", "c2", "c4", "c6", "c1"]
    assert ids != select(ROWS, seed=2)


def test_ties_at_the_boundary_are_broken_by_the_seeded_order() -> None:
    tied = [row(f"t{i}", 3) for i in range(6)]
    first = select(tied, top_fraction=0.5, seed=0)
    assert len(first) == 3
    assert first == select(tied[::-1], top_fraction=0.5, seed=0)


def test_ids_hash_ignores_order() -> None:
    assert ids_hash(["b", "a"]) == ids_hash(["a", "b"]) != ids_hash(["a"])


def test_texts_are_read_of_the_kept_alone_and_in_their_order(tmp_path: Path) -> None:
    blank = {"url": "u", "offset": 0, "heading_path": [], "output": "o", "outcome": "scored"}
    for part in range(3):
        rows = [ScoredCandidate(id=f"{part}{i}", instruction=f"i{part}{i}", score=3.0, **blank) for i in range(4)]
        write(tmp_path / "data" / f"{part:05d}.parquet", ScoredCandidate, rows)
    assert [row.instruction for row in read_kept(tmp_path, ["21", "03", "10"])] == ["i21", "i03", "i10"]
