"""The resumable bulk step: rows in, chunks out, each committed by atomic rename.

A chunk is decided by its rows alone and is done whole or not at all, so a run killed anywhere and started again writes
the same files. Memory holds one chunk.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from humpback_exp.inference.engine import Advance
from humpback_exp.progress import bar, counting, log
from humpback_exp.records import write

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


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


def run_chunks(folder: Path, work: Bulk[I, O], chunk_size: int, description: str) -> None:
    """Write `folder/data/NNNNN.parquet`, one file a chunk; chunks that exist are skipped."""
    process = work.start()
    with bar(work.total, description) as progress:
        for number, chunk in enumerate(chunked(work.rows(), chunk_size)):
            path = folder / "data" / f"{number:05d}.parquet"
            if path.exists():
                progress.update(len(chunk))
                progress.unpause()
                continue
            made = process(chunk, counting(progress))
            assert len(made) == len(chunk)
            write(path, work.cls, made)
            if progress.disable:
                log.info("%s: %d of %d rows", description, min((number + 1) * chunk_size, work.total), work.total)
