"""scored folders -> histograms with what a selection keeps of them, and the rows at both ends.

Only the scores are read of every row; whole rows only from the files in which a best or worst one stands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from humpback_exp.analysis.collect import Inventory, Run
from humpback_exp.records import Score, ScoredCandidate, parts, read_file

BINS = 24
RATINGS = (1, 2, 3, 4, 5)


@dataclass(slots=True)
class Scored:
    """The scores of one folder, best first, each with the file and the id of its row."""

    run: Run
    scores: list[tuple[float, Path, str]]
    abandoned: int
    kept: int | None
    """How many the selection keeps, the best; None where nothing was selected."""
    rule: str

    @property
    def whole(self) -> bool:
        """Whether these are whole ratings, not means or calibrated likelihoods."""
        return bool(self.scores) and all(score in RATINGS for score, _, _ in self.scores)

    @property
    def threshold(self) -> float | None:
        """The lowest score kept."""
        return self.scores[self.kept - 1][0] if self.kept and self.kept <= len(self.scores) else None


@dataclass(slots=True)
class Bin:
    """A bar of a histogram."""

    start: float
    end: float
    count: int
    kept: int


def read_scores(inventory: Inventory, runs: Sequence[Run]) -> list[Scored]:
    """The scores of each run; a damaged one is noted and left out."""
    found = [inventory.try_read(run, partial(_scored, inventory)) for run in runs]
    return [scored for scored in found if scored is not None]


def _scored(inventory: Inventory, run: Run) -> Scored:
    rows = list(_rows(run))
    readable = sorted(((s, path, i) for s, path, i in rows if s is not None), key=lambda row: (-row[0], row[2]))
    kept, rule = _selection(inventory, run)
    return Scored(run, readable, len(rows) - len(readable), kept, rule)


def _rows(run: Run) -> Iterator[tuple[float | None, Path, str]]:
    for path in parts(run.folder):
        for row in read_file(path, Score):
            yield row.score, path, row.id


def _selection(inventory: Inventory, run: Run) -> tuple[int | None, str]:
    """How many are kept, and by what rule: as published in curated/, else as a model trained on it says."""
    for curated in inventory.made_from("curated", "scored", run):
        return curated.rows("curated"), _rule(curated, "")
    for model in inventory.made_from("models", "data.scored", run):
        return model.rows("web"), _rule(model, "data.")
    return None, ""


def _rule(run: Run, prefix: str) -> str:
    config = run.manifest.config
    if config.get(f"{prefix}min_score") is not None:
        return f"score of at least {config[f'{prefix}min_score']:g}"
    share = config.get(f"{prefix}top_fraction")
    return f"best {share:.0%}" if share is not None else "everything"


def histogram(scored: Scored, low: float, high: float) -> list[Bin]:
    """Bars over [low, high]: one a rating for ratings 1 to 5, else `BINS` of equal width."""
    values = [score for score, _, _ in scored.scores]
    if scored.whole:
        bins = [Bin(rating - 0.5, rating + 0.5, 0, 0) for rating in RATINGS]
    else:
        width = (high - low) / BINS
        bins = [Bin(low + i * width, low + (i + 1) * width, 0, 0) for i in range(BINS)]
    for rank, value in enumerate(values):
        place = min(int((value - bins[0].start) / (bins[0].end - bins[0].start)), len(bins) - 1)
        bins[place].count += 1
        bins[place].kept += rank < (scored.kept or 0)
    return bins


def extremes(inventory: Inventory, scored: Scored, count: int) -> tuple[list[ScoredCandidate], list[ScoredCandidate]]:
    """The best and the worst rated rows, never the same one twice."""
    count = min(count, len(scored.scores) // 2) or min(1, len(scored.scores))
    best = scored.scores[:count]
    worst = scored.scores[count:][-count:][::-1]
    files = sorted({path for _, path, _ in [*best, *worst]})
    rows = inventory.try_read(scored.run, lambda _: [row for path in files for row in read_file(path, ScoredCandidate)])
    by_id = {row.id: row for row in rows or []}
    return [by_id[i] for _, _, i in best if i in by_id], [by_id[i] for _, _, i in worst if i in by_id]
