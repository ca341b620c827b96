"""Scored folders -> histograms with what a selection keeps of them.

Calibrated scores are ranks, whose histogram looks the same for every model, so likelihoods are shown in nats. Only numbers
are read of every row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.analysis.folders import made_from, try_read
from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.curation.selection import select
from humpback_exp.records import Measured, Score, parts, read_file

BINS = 24
RATINGS = (1, 2, 3, 4, 5)
UNITS = {
    "forward": "nats a token that the instruction saves on the output",
    "backward": "minus the loss of the instruction, nats a token",
    "score": "score",
}
"""Measure -> what its axis says."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The numbers of one folder's rows, and which of them a selection keeps."""

    folder: Folder
    rows: list[tuple[Path, Measured]]
    """With the file each stands in."""
    kept: set[str]
    rule: str
    """How those kept were selected; empty where nothing was."""

    @property
    def rated(self) -> list[tuple[Path, Measured]]:
        """Those with a score, the best first."""
        readable = [row for row in self.rows if row[1].score is not None]
        return sorted(readable, key=lambda row: (-(row[1].score or 0.0), row[1].id))

    @property
    def measures(self) -> list[str]:
        """The likelihoods it was rated by, else its score."""
        names = ("forward", "backward", "contrast")
        found = [name for name in names if any(getattr(row, name) is not None for _, row in self.rows)]
        return found if self.folder.manifest.config.get("scorer") == "likelihood" and found else ["score"]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows of a scored folder by one measure."""

    title: str
    caption: str
    unit: str
    edges: list[float]
    """Of the bars, one more than there are."""
    counts: list[int]
    kept: list[int]
    """Of each bar's rows, those a selection keeps."""


def read_scores(catalog: Catalog, folders: Sequence[Folder]) -> list[Scored]:
    """The scores of each folder; a damaged one is noted and left out."""
    found = [try_read(catalog, folder, lambda folder: _scored(catalog, folder)) for folder in folders]
    return [scored for scored in found if scored is not None]


def _scored(catalog: Catalog, folder: Folder) -> Scored:
    rows = [(path, row) for path in parts(folder.path) for row in read_file(path, Measured)]
    return Scored(folder, rows, *_selection(catalog, folder, [row for _, row in rows]))


def _selection(catalog: Catalog, folder: Folder, rows: Sequence[Measured]) -> tuple[set[str], str]:
    """Ids kept, and by what rule: as published in curated/, else as the first model trained on it says."""
    published = [(one, "") for one in made_from(catalog, "curated", "scored", folder)]
    for made, prefix in published + [(one, "data.") for one in made_from(catalog, "models", "data.scored", folder)]:
        keys = {key: made.manifest.config.get(f"{prefix}{key}") for key in ("min_score", "top_fraction", "size")}
        equal = made.input(f"{prefix}as_many_as")
        there = None if equal is None else catalog.find(equal)
        if there is not None:
            keys["top_fraction"] = there.rows("curated") / max(len(rows), 1)
        ranked = [Score(id=row.id, score=row.score) for row in rows]
        kept = select(ranked, **keys, seed=made.manifest.config.get("seed", 0))
        return set(kept), rule(**keys) if there is None else f"the best, as many as {there.label} holds"
    return set(), ""


def rule(min_score: float | None, top_fraction: float | None, size: int | None) -> str:
    """How a selection was made."""
    said = "no curation" if top_fraction is None else f"best {top_fraction:.0%}"
    said = said if min_score is None else f"score of at least {min_score:g}"
    return said if size is None else f"{said}, at most {size:,} at random"


def histograms(found: Sequence[Scored]) -> list[Histogram]:
    """One for each folder and measure; those by one measure share an axis, so that rounds can be compared."""
    shown = [(one, name, values) for one in found for name in one.measures if (values := _values(one, name))]
    together = {name: [v for _, other, values in shown if other == name for v in values.values()] for name in UNITS}
    return [_histogram(one, name, values, _edges(list(values.values()), together[name])) for one, name, values in shown]


def _values(scored: Scored, name: str) -> dict[str, float]:
    """Id -> its measure."""
    return {row.id: value for _, row in scored.rows if (value := getattr(row, name)) is not None}


def _edges(values: Sequence[float], together: Sequence[float]) -> list[float]:
    """One bar a rating where all are ratings from 1 to 5, else `BINS` of equal width over all folders' values."""
    if all(value in RATINGS for value in values):
        return [rating - 0.5 for rating in (*RATINGS, RATINGS[-1] + 1)]
    low, high = min(together), max(together)
    return [low + i * ((high - low) or 1.0) / BINS for i in range(BINS + 1)]


def _histogram(scored: Scored, name: str, values: dict[str, float], edges: list[float]) -> Histogram:
    counts, kept = [0] * (len(edges) - 1), [0] * (len(edges) - 1)
    for row_id, value in values.items():
        place = min(int((value - edges[0]) / (edges[1] - edges[0])), len(counts) - 1)
        counts[place] += 1
        kept[place] += row_id in scored.kept
    caption = f"{len(values):,} rated"
    unread = len(scored.rows) - len(values)
    caption += f", {unread:,} unreadable" if unread else ""
    caption += f"; {len(scored.kept):,} kept ({scored.rule})" if scored.rule else "; nothing was selected from it"
    return Histogram(scored.folder.label, caption, UNITS[name], edges, counts, kept)
