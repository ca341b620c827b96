"""A part of a corpus, drawn by a seeded order: pages, before they are read, and segments, when all are there.

Pages in files of their own are drawn by their addresses. Those of archives and tables are not known before they are read, so
ranges are drawn, and of the last of these the first pages. Called by the segment stage.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from humpback_exp.corpus.files import File
from humpback_exp.corpus.kinds import holds_many, is_page
from humpback_exp.corpus.pages import Unit

Rank = Callable[[str], str]
"""A name -> its place in the order, as a key to sort by."""


def drawn_files(files: Iterable[File], most: int, rank: Rank) -> Iterator[File]:
    """So many pages in files of their own, in the order of their names, then all files with more."""
    packed: list[File] = []

    def single() -> Iterator[File]:
        for file in files:
            if holds_many(file):
                packed.append(file)
            elif is_page(file):
                yield file

    drawn = heapq.nsmallest(most, single(), key=lambda file: rank(file.address))
    yield from sorted(drawn, key=lambda file: file.name)
    if len(drawn) < most:
        yield from packed


def shuffled(units: Iterable[Unit], rank: Rank) -> Iterator[Unit]:
    """Units of files first, as they are, then ranges in the order."""
    ranges: list[Unit] = []
    for unit in units:
        if unit.is_archive:
            ranges.append(unit)
        else:
            yield unit
    yield from sorted(ranges, key=lambda unit: rank(f"{unit.names[0]} {unit.start}"))


def enough(units: Iterable[Unit], pages: Sequence[int], most: int) -> list[Unit]:
    """The first units that hold so many pages together, the last of them cut to size.

    Args:
        pages: of each unit, in order.
    """
    taken: list[Unit] = []
    left = most
    for unit, number in zip(units, pages, strict=False):
        if left <= 0:
            break
        if number > left:
            unit.most = left
        taken.append(unit)
        left -= number
    return taken


def last_rank(ranks: Iterable[str], most: int) -> str:
    """The largest rank that is drawn; held are so many ranks. Empty where there are none."""
    return max(heapq.nsmallest(most, ranks), default="")
