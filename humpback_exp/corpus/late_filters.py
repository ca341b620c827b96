"""Filters that need all rows of a corpus: they mark verdicts, in order, when every unit is done. Called by the segment stage."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from urllib.parse import urlsplit

from humpback_exp import reasons
from humpback_exp.corpus import draw, quality
from humpback_exp.corpus.chunk_files import SignedSegment
from humpback_exp.corpus.draw import Rank
from humpback_exp.corpus.questions import HeldoutPairs
from humpback_exp.corpus.verdicts import Verdicts

Rows = Callable[[], Iterator[SignedSegment]]
"""All rows that passed the filters of a page, in order."""
RANDOM_SEGMENTS = 10_000
"""Segments at most that a classifier of quality learns from (ours)."""
BATCH = 1024


def mark_repeats(held: HeldoutPairs, rows: Rows, found: Verdicts) -> None:
    """Mark the rows that share thirteen words in a row with a held-out pair, or hold the whole of a shorter answer."""
    for at, row in _left(rows, found):
        if held.repeated_in(row.text):
            found[at] = reasons.OVERLAPS


def mark_unlike(outputs: Sequence[str], least: float, rank: Rank, rows: Rows, found: Verdicts) -> None:
    """Mark the rows that are less than so probably one of these outputs rather than a random segment."""
    last = draw.last_rank((rank(row.id) for _, row in _left(rows, found)), RANDOM_SEGMENTS)
    if not last:
        return
    probability = quality.train(outputs, [row.text for _, row in _left(rows, found) if rank(row.id) <= last])
    left = _left(rows, found)
    while batch := list(islice(left, BATCH)):
        for (at, _), share in zip(batch, probability([row.text for _, row in batch]), strict=True):
            if share < least:
                found[at] = reasons.LOW_QUALITY


def mark_over_cap(most: int, rows: Rows, found: Verdicts) -> None:
    """Mark the rows of a host after its first so many; files of a folder have no host."""
    seen: Counter[str] = Counter()
    for at, row in _left(rows, found):
        host = host_of(row.url)
        seen[host] += bool(host)
        if seen[host] > most:
            found[at] = reasons.OVER_CAP


def mark_not_drawn(most: int, rank: Rank, rows: Rows, found: Verdicts) -> None:
    """Mark all rows but the first so many of a seeded order."""
    last = draw.last_rank((rank(row.id) for _, row in _left(rows, found)), most)
    for at, row in _left(rows, found):
        if rank(row.id) > last:
            found[at] = reasons.NOT_DRAWN


def host_of(url: str) -> str:
    """The host of an address; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _left(rows: Rows, found: Verdicts) -> Iterator[tuple[int, SignedSegment]]:
    """The rows that no filter has dropped yet, with their numbers."""
    return ((at, row) for at, row in enumerate(rows()) if not found[at])
