"""Parquet files and JSON lines -> pages, one a row. Called by pages.

A row holds its page in `html` or, where that is missing, in `text`, and its address in `url`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from humpback_exp import reasons
from humpback_exp.corpus import streams
from humpback_exp.corpus.archives import Found

PARQUET = ".parquet"
JSON_LINES = tuple(f".{name}{packed}" for name in ("jsonl", "ndjson") for packed in ("", ".gz", ".zst"))
COLUMNS = ("html", "text")
BROKEN: dict[str, Any] = {"html": True}
"""What stands for a line that is no object of JSON."""
MAX_LINE = 64 << 20
"""Of a longer line the rest is left out, which makes it unreadable: no page within bounds needs so many escapes."""


def ranges(path: Path) -> list[tuple[int, int | None]]:
    """Row groups of a Parquet file, which workers may share; JSON lines are one range.

    Raises:
        ValueError: the file cannot be read, or has no column with pages.
    """
    if not path.name.lower().endswith(PARQUET):
        _check(path, next((list(row) for _, row in _json_rows(path)), []))
        return [(0, None)]
    try:
        with pq.ParquetFile(path) as file:
            _check(path, file.schema_arrow.names)
            return [(group, group + 1) for group in range(file.num_row_groups)]
    except pa.ArrowInvalid:
        raise ValueError(
            f"corpus.path={path}: no Parquet file, or a part of one; remove it or fetch it again"
        ) from None


def read(path: Path, start: int, end: int | None, limit: int) -> Iterator[Found]:
    """The pages of a range, in order.

    Args:
        limit: largest page in bytes.
    """
    rows = _json_rows(path) if end is None else _parquet_rows(path, range(start, end))
    for place, row in rows:
        page = next((row[name] for name in COLUMNS if row.get(name)), None)
        html = page.encode("utf-8", "replace") if isinstance(page, str) else page
        url = str(row.get("url") or f"{path.name}#{place}")
        if not isinstance(html, bytes):
            yield Found(url, reason=reasons.UNREADABLE if page else reasons.EMPTY_PAGE)
        elif len(html) > limit:
            yield Found(url, reason=reasons.TOO_LARGE)
        else:
            yield Found(url, html)


def _check(path: Path, names: Sequence[str]) -> None:
    if not any(name in names for name in COLUMNS):
        raise ValueError(
            f"corpus.path={path}: no column {' or '.join(COLUMNS)} among {', '.join(names) or 'none'}; "
            "rename the one with pages, or keep the file elsewhere"
        )


def _parquet_rows(path: Path, groups: range) -> Iterator[tuple[str, dict[str, Any]]]:
    with pq.ParquetFile(path) as file:
        columns = [name for name in ("url", *COLUMNS) if name in file.schema_arrow.names]
        for group in groups:
            place = 0
            for batch in file.iter_batches(64, row_groups=[group], columns=columns):
                for row in batch.to_pylist():
                    yield f"{group}.{place}", row
                    place += 1


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, line in enumerate(_lines(path)):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            row = BROKEN
        if row is not None:
            yield str(place), row if isinstance(row, dict) else BROKEN


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    for piece in streams.pieces(path):
        *lines, rest = (rest + (piece or b"")).split(b"\n")
        yield from lines
        rest = rest[:MAX_LINE]
    if rest:
        yield rest
