"""What all units of a corpus came to: their counts, and the rows as the files of a finished folder. Called by the stage."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from humpback_exp import records
from humpback_exp.corpus import chunk_files
from humpback_exp.corpus.chunk_files import SignedSegment
from humpback_exp.corpus.chunks import UnitCounts
from humpback_exp.corpus.verdicts import Verdicts
from humpback_exp.records import DroppedSegment, Segment

ROWS_PER_FILE = 10_000
R = TypeVar("R")


@dataclass(slots=True)
class Ledger:
    """The counts of all units."""

    counts: Counter[str] = field(default_factory=Counter)
    """`kept`, `masked`, `capital words`, and drop reasons of pages and segments."""
    pages: list[int] = field(default_factory=list)
    """That each unit held."""
    set_aside: list[str] = field(default_factory=list)
    """Pages that killed two processes."""
    sha256: str = ""
    """Of all that was read."""


def read_ledger(paths: Iterable[Path]) -> Ledger:
    """The ledger of the units that these files commit."""
    ledger, hashed = Ledger(), hashlib.sha256()
    for path in paths:
        for row in records.read_file(path, UnitCounts):
            counts = json.loads(row.counts)
            ledger.pages.append(counts.pop("pages", 0))
            ledger.counts.update(counts)
            ledger.set_aside += row.set_aside
            hashed.update(row.sha256.encode())
    ledger.sha256 = hashed.hexdigest()
    return ledger


def write(chunk_folder: Path, number: int, folder: Path, found: Verdicts) -> int:
    """Write `data/` and `dropped/` of the first `number` chunks, each passed row by its verdict; the number of segments kept."""
    kept = (row.segment() for row, reason in _passed(chunk_folder, number, found) if not reason)
    dropped = (row.dropped(reason) for row, reason in _passed(chunk_folder, number, found) if reason)
    total = _write_files(folder / "data", Segment, kept)
    _write_files(folder / "dropped", DroppedSegment, chain(chunk_files.dropped(chunk_folder, number), dropped))
    return total


def _passed(chunk_folder: Path, number: int, found: Verdicts) -> Iterator[tuple[SignedSegment, str | None]]:
    return zip(chunk_files.kept(chunk_folder, number), found, strict=True)


def _write_files(folder: Path, cls: type[R], rows: Iterable[R]) -> int:
    """Write rows as numbered files and return how many there were."""
    total = 0
    for number, part in enumerate(_parts(iter(rows))):
        with records.Writer(folder / f"{number:05d}.parquet", cls) as file:
            for row in part:
                file.add(row)
                total += 1
    return total


def _parts(rows: Iterator[R]) -> Iterator[Iterator[R]]:
    """The rows of one file after another, to be read one at a time."""
    for first in rows:
        yield chain([first], islice(rows, ROWS_PER_FILE - 1))
