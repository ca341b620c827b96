"""Parquet and Arrow files and JSON lines -> pages, one a row. Called by pages.

A row holds its page in `html` or, where that is missing, in `text`, and its address in `url`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from humpback_exp import reasons
from humpback_exp.artifacts.addresses import is_remote
from humpback_exp.corpus import archives, streams
from humpback_exp.corpus.archives import Found
from humpback_exp.corpus.files import File
from humpback_exp.progress import warn_once

PARQUET = ".parquet"
ARROW = ".arrow"
"""What `datasets` saves: a stream of record batches."""
JSON_LINES = tuple(f".{name}{packed}" for name in ("jsonl", "ndjson") for packed in ("", ".gz", ".zst"))
COLUMNS = ("html", "text")
BROKEN: dict[str, Any] = {"html": True}
"""What stands for a line that is no object of JSON."""
BUFFER = 1 << 20
"""Bytes of a column of a Parquet file that are read at a time."""
TORN = b"\0\n"
"""What stands where a packed file is broken, which makes the line that it tore, or an empty one, unreadable."""
MAX_LINE = 64 << 20
"""Of a longer line the rest is left out, which makes it unreadable: no page within bounds needs so many escapes."""


def ranges(file: File) -> list[tuple[int, int | None]]:
    """Row groups of a Parquet file and bytes of JSON lines, which workers may share; what is packed is one range.

    Raises:
        ValueError: the file cannot be read, or has no column with pages.
    """
    if not file.kind.endswith((PARQUET, ARROW)):
        first = next((list(row) for _, row in _json_rows(file, 0, None)), None)
        if first is not None:
            _check(file, first)
        return [(0, None)] if streams.is_packed(file) else archives.ranges(file)
    try:
        if file.kind.endswith(ARROW):
            with file.open() as opened, pa.ipc.open_stream(opened) as batches:
                _check(file, batches.schema.names)
            return [(0, None)]
        with _parquet(file) as groups:
            _check(file, groups.schema_arrow.names)
            return [(group, group + 1) for group in range(groups.num_row_groups)]
    except pa.ArrowInvalid:
        kind = "Arrow" if file.kind.endswith(ARROW) else "Parquet"
        raise ValueError(f"corpus.path={file}: no {kind} file, or a part of one; remove it or fetch it again") from None


def read(file: File, start: int, end: int | None, limit: int) -> Iterator[Found]:
    """The pages of a range, in order; of what is broken those before, and one entry that says so.

    Args:
        limit: largest page in bytes.
    """
    try:
        yield from _pages(file, start, end, limit)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, pa.ArrowInvalid) as error:
        warn_once(f"{file}: broken ({str(error).splitlines()[0]}); using what can be read")
        yield Found(file.address, reason=reasons.UNREADABLE)


def _pages(file: File, start: int, end: int | None, limit: int) -> Iterator[Found]:
    for place, row in _rows(file, start, end):
        page = next((row[name] for name in COLUMNS if row.get(name)), None)
        html = page.encode("utf-8", "replace") if isinstance(page, str) else page
        url = _clean(str(row.get("url") or f"{file.address}#{place}"))
        if not isinstance(html, bytes):
            yield Found(url, reason=reasons.UNREADABLE if page else reasons.EMPTY_PAGE)
        elif len(html) > limit:
            yield Found(url, reason=reasons.TOO_LARGE)
        else:
            yield Found(url, html)


def _clean(url: str) -> str:
    """An address that can be written: JSON may hold halves of characters."""
    return url.encode("utf-8", "backslashreplace").decode()


def _rows(file: File, start: int, end: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if file.kind.endswith(PARQUET):
        return _parquet_rows(file, range(start, end or 0))
    return _arrow_rows(file) if file.kind.endswith(ARROW) else _json_rows(file, start, end)


def _check(file: File, names: Sequence[str]) -> None:
    if not any(name in names for name in COLUMNS):
        raise ValueError(
            f"corpus.path={file}: no column {' or '.join(COLUMNS)} among {', '.join(names)[:200] or 'none'}; "
            "rename the one with pages, or keep the file elsewhere"
        )


def _parquet(file: File) -> pq.ParquetFile:
    source = file.open() if is_remote(file.root) else file.path
    return pq.ParquetFile(source, pre_buffer=False, buffer_size=BUFFER)  # a group may be larger than memory


def _parquet_rows(file: File, groups: range) -> Iterator[tuple[str, dict[str, Any]]]:
    with _parquet(file) as opened:
        columns = [name for name in ("url", *COLUMNS) if name in opened.schema_arrow.names]
        for group in groups:
            place = 0
            for batch in opened.iter_batches(64, row_groups=[group], columns=columns):
                for row in batch.to_pylist():
                    yield f"{group}.{place}", row
                    place += 1


def _arrow_rows(file: File) -> Iterator[tuple[str, dict[str, Any]]]:
    place = 0
    with file.open() as opened, pa.ipc.open_stream(opened) as batches:
        for batch in batches:
            columns = [name for name in ("url", *COLUMNS) if name in batch.schema.names]
            for start in range(0, batch.num_rows, 64):
                for row in batch.select(columns).slice(start, 64).to_pylist():
                    yield str(place), row
                    place += 1


def _json_rows(file: File, start: int, end: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_lines(file, start, end)):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            row = BROKEN
        if row is not None:
            yield f"{start}.{number}" if start else str(number), row if isinstance(row, dict) else BROKEN


def _lines(file: File, start: int, end: int | None) -> Iterator[bytes]:
    """The lines that begin in a range."""
    place, begun = (
        (start - 1, False) if start else (0, True)
    )  # one byte more tells whether a line begins right at the start
    held, size = [b""], 0
    for piece in streams.pieces(file, place):
        first, *others = (piece or TORN).split(b"\n")
        if size < MAX_LINE:
            held.append(first)
        size += len(first)
        for other in others:
            if end is not None and place >= end:
                return
            if begun:
                yield b"".join(held)
            begun, place = True, place + size + 1
            held, size = [other], len(other)
    if size and begun and (end is None or place < end):
        yield b"".join(held)
