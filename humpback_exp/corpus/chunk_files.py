"""The files of a chunk, written by a worker row by row, and the rows of all chunks in order. Called by chunks and the stage.

A chunk is three files with one name: kept rows with their signatures, dropped rows, held-out pairs.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from humpback_exp import records
from humpback_exp.corpus.fingerprints import Fingerprint, digest, signature
from humpback_exp.corpus.segments import dropped_record
from humpback_exp.records import DroppedSegment, HeldoutPair, Segment

KEPT, DROPPED, HELD_OUT = ".kept", ".dropped", ".heldout"
R = TypeVar("R")


@dataclass(slots=True, kw_only=True)
class SignedSegment(Segment):
    """A segment with its MinHash, as the search for duplicates wants it."""

    signature: str
    digest: str

    def segment(self) -> Segment:
        """The segment alone."""
        return Segment(**{f.name: getattr(self, f.name) for f in fields(Segment)})

    def dropped(self, reason: str) -> DroppedSegment:
        """The record of a segment that turned out to be a duplicate."""
        return dropped_record(self.url, self.offset, self.heading_path, self.text, reason)


def signed(segment: Segment) -> SignedSegment:
    """A segment with what is compared of it."""
    values = {f.name: getattr(segment, f.name) for f in fields(Segment)}
    return SignedSegment(**values, signature=signature(segment.text), digest=digest(segment.text))


def path_of(folder: Path, number: int) -> Path:
    """Of the kept rows of a chunk; its other files differ in their suffix."""
    return folder / f"{number:05d}{KEPT}"


class Files:
    """The files of a chunk, written as rows come, so that memory holds few of them."""

    def __init__(self, path: Path) -> None:
        self.kept = records.Writer(path, SignedSegment)
        self.dropped = records.Writer(path.with_suffix(DROPPED), DroppedSegment)
        self.heldout = records.Writer(path.with_suffix(HELD_OUT), HeldoutPair)

    def __enter__(self) -> "Files":
        self.stack = ExitStack()
        for file in (self.kept, self.dropped, self.heldout):
            self.stack.enter_context(file)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def hold_out(self, pairs: Iterable[HeldoutPair]) -> None:
        """Write pairs beside the segments."""
        for pair in pairs:
            self.heldout.add(pair)


def _rows(folder: Path, number: int, suffix: str, cls: type[R]) -> Iterator[R]:
    """Rows of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(path_of(folder, chunk).with_suffix(suffix), cls)


def kept(folder: Path, number: int) -> Iterator[SignedSegment]:
    """The kept rows of the first `number` chunks, in order."""
    return _rows(folder, number, KEPT, SignedSegment)


def fingerprints(folder: Path, number: int) -> Iterator[Fingerprint]:
    """What is compared of the kept rows, in order."""
    return _rows(folder, number, KEPT, Fingerprint)


def dropped(folder: Path, number: int) -> Iterator[DroppedSegment]:
    """The dropped rows of the first `number` chunks, in order."""
    return _rows(folder, number, DROPPED, DroppedSegment)


def heldout(folder: Path, number: int) -> Iterator[HeldoutPair]:
    """The held-out pairs of the first `number` chunks, in order."""
    return _rows(folder, number, HELD_OUT, HeldoutPair)
