"""The resumable bulk step: rows in, chunks out, each committed by atomic rename.

A chunk is decided by its rows alone and is done whole or not at all, so a run killed anywhere and started again writes
the same files. Memory holds one chunk.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from humpback_exp.inference.engine import Advance
from humpback_exp.progress import bar, log
from humpback_exp.records import write

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


def chunked(rows: Iterable[I], size: int) -> Iterator[list[I]]:
    """Consecutive runs of `size` rows, the last one shorter."""
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


def run_chunks(
    folder: Path,
    rows: Iterable[I],
    total: int,
    chunk_size: int,
    cls: type[O],
    process: Callable[[list[I], Advance], list[O]],
    description: str,
) -> None:
    """Write `folder/data/NNNNN.parquet`, one file a chunk; chunks that exist are skipped.

    Args:
        process: makes one output row of every input row, kept or dropped: a dropped row counts as done.
    """
    with bar(total, description) as progress:
        for number, chunk in enumerate(chunked(rows, chunk_size)):
            path = folder / "data" / f"{number:05d}.parquet"
            if path.exists():
                progress.update(len(chunk))
                progress.unpause()
                continue
            made = process(chunk, progress.update)
            assert len(made) == len(chunk)
            write(path, cls, made)
            if progress.disable:
                log.info("%s: %d of %d rows", description, min((number + 1) * chunk_size, total), total)
