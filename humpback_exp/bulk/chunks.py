"""The resumable bulk step: rows in, chunks out, each committed by atomic rename.

A chunk is decided by its rows alone and is done whole or not at all, so a run killed anywhere and started again, and any
number of workers, write the same files. Memory holds one chunk.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from humpback_exp.artifacts import CHECKPOINTS, write_text
from humpback_exp.bulk.leases import Leases
from humpback_exp.bulk.meter import ROWS_AND_TOKENS, Throughput, Words
from humpback_exp.config import BulkConfig
from humpback_exp.progress import Advance
from humpback_exp.records import write

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
POLL = 0.5
"""Seconds between two looks at what the other workers have left."""


def chunked(rows: Iterable[I], size: int) -> Iterator[list[I]]:
    """Consecutive runs of `size` rows, the last one shorter."""
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


Process = Callable[[list[I], Advance], list[O]]
"""Makes one output row of every input row of a chunk, kept or dropped: a dropped row counts as done."""


@dataclass(slots=True, frozen=True)
class Bulk(Generic[I, O]):
    """A bulk stage: what goes in, what comes out, and how. `stages.NAME.bulk(config)` makes it, in any process."""

    rows: Callable[[], Iterable[I]]
    """The input, in an order that is always the same."""
    total: int
    cls: type[O]
    start: Callable[[], Process[I, O]]
    """Loads the model; called once a worker."""
    kept: Callable[[O], bool]
    """Whether an output row is usable: what the share shown while it runs counts."""
    size: int | None = None
    """Rows a chunk; None: the config's `chunk_size`."""
    subfolder: str = "data"
    """Of the stage's folder, for the chunks."""
    words: Words = ROWS_AND_TOKENS
    """What is counted while it runs."""

    def chunks(self, config: BulkConfig) -> "Chunks":
        """Where its chunks lie."""
        return Chunks(config.folder, self.total, self.size or config.chunk_size, self.subfolder)


@dataclass(slots=True, frozen=True)
class Chunks:
    """The chunks of a stage's folder: `data/NNNNN.parquet`, and the figures of each beside the leases."""

    folder: Path
    total: int
    size: int
    subfolder: str = "data"

    @property
    def numbers(self) -> range:
        return range(-(-self.total // self.size))

    def missing(self) -> set[int]:
        """The chunks not committed yet."""
        there = {path.name for path in (self.folder / self.subfolder).glob("*.parquet")}
        return {number for number in self.numbers if self.path(number).name not in there}

    def path(self, number: int) -> Path:
        return self.folder / self.subfolder / f"{number:05d}.parquet"

    def rows(self, number: int) -> int:
        return min(self.size, self.total - number * self.size)

    def tell(self, number: int, figures: Throughput) -> None:
        """Leave what a chunk cost; before its commit, so that each committed chunk has it."""
        write_text(self._figures(number), json.dumps(asdict(figures)))

    def figures(self, number: int) -> Throughput:
        """What a committed chunk cost."""
        return Throughput(**json.loads(self._figures(number).read_text()))

    def _figures(self, number: int) -> Path:
        return self.folder / CHECKPOINTS / f"{number:05d}.json"


def work_through(
    chunks: Chunks, work: Bulk[I, O], leases: Leases, advance: Advance, committed: Callable[[Throughput], object]
) -> None:
    """What one worker does: claim chunks and do them until none is missing.

    Args:
        committed: called with the figures of each chunk once it is there.
    """
    process: Process[I, O] | None = None
    while missing := chunks.missing():
        free = leases.free(missing)
        if not free:
            time.sleep(POLL)
            continue
        for number, chunk in enumerate(chunked(work.rows(), chunks.size)):
            if number not in free:
                continue
            generation = free.pop(number)
            with leases.take(number, generation) as ours:
                if ours and not chunks.path(number).exists():
                    assert len(chunk) == chunks.rows(number), "the input has not the rows it had"
                    process = process or work.start()
                    made, figures = _do(chunk, process, work.kept, advance)
                    if not leases.lost(number, generation):
                        chunks.tell(number, figures)
                        write(chunks.path(number), work.cls, made)
                        committed(figures)
            if not free:
                break
        assert not free, "the input has fewer rows than it had"


def _do(
    chunk: list[I], process: Process[I, O], kept: Callable[[O], bool], advance: Advance
) -> tuple[list[O], Throughput]:
    """The rows a chunk becomes, and what it cost."""
    started, tokens = time.perf_counter(), 0

    def count(rows: float, more: int) -> None:
        nonlocal tokens
        tokens += more
        advance(rows, more)

    made = process(chunk, count)
    assert len(made) == len(chunk), f"{len(chunk)} rows went in and {len(made)} came out"
    return made, Throughput(len(made), sum(map(kept, made)), tokens, time.perf_counter() - started)
