"""The rows of one file, each with its number: JSON lines, JSON, CSV, Parquet or Arrow, a part at a time.

JSON and CSV are decoded here, since the readers of `datasets` guess types by the column: an output "2023-01-01" would become a
date, "007" a number, "NA" nothing, and a surplus cell of a CSV line would shift all others.
"""

import csv
import json
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from glob import escape
from io import StringIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from humpback_exp.data.datasets_library import brief, library
from humpback_exp.data.hub import COMPRESSED

Row = dict[str, Any]
Numbered = Iterator[tuple[int, Row]]
PACKAGES = {"zstd": "zstandard"}
"""Compression -> the package that reads it, where its name differs."""
KINDS = {
    b"\x1f\x8b": "it is compressed, so let its name end in .gz",
    b"BZh": "it is compressed, so let its name end in .bz2",
    b"\xfd7zXZ": "it is compressed, so let its name end in .xz",
    b"\x28\xb5\x2f\xfd": "it is compressed, so let its name end in .zst",
    b"PK\x03\x04": "unpack it, or save the sheet as CSV",
    b"PAR1": "let its name end in .parquet",
    b"ARROW1": "let its name end in .arrow",
    b"\xff\xfe": "it is UTF-16, so save it as UTF-8",
    b"\xfe\xff": "it is UTF-16, so save it as UTF-8",
}
"""First bytes of a file -> what is to be done with one that is to be read as text."""
BATCH = 1000
"""Rows of a table decoded at a time."""
BROKEN = (UnicodeDecodeError, json.JSONDecodeError, EOFError, OSError, zlib.error, lzma.LZMAError, csv.Error)


def read_rows(path: str, key: str) -> Numbered:
    """The rows of a file with their numbers, from 1: lines of JSON lines, records of all else.

    Args:
        key: the config key that names the file, for messages.

    Raises:
        ValueError: unreadable, or a row that is none (named by its number).
    """
    import fsspec  # 40 ms, which a command that only composes its config should not wait for

    ends = [end.lower() for end in Path(path).suffixes]
    compression = COMPRESSED[ends.pop()] if ends and ends[-1] in COMPRESSED else None
    end = ends[-1] if ends else ""
    _require_text(path, key, end, compression)
    if compression and compression not in fsspec.available_compressions():
        raise ValueError(f"{key}={path}: unpack it, or pip install {PACKAGES.get(compression, compression)} to read it")
    if end in (".parquet", ".arrow"):
        yield from _table(path, end, key)
        return
    try:
        with fsspec.open(path, "rt", encoding="utf-8-sig", compression=compression, newline="") as file:
            yield from READERS.get(end, _lines)(file, path)
    except BROKEN as error:
        raise ValueError(f"{key}={path}: unreadable ({brief(error)})") from None


def _require_text(path: str, key: str, end: str, compression: str | None) -> None:
    """Raise the ValueError of a file whose first bytes are of another kind than its name says."""
    if compression or end in (".parquet", ".arrow"):
        return
    with open(path, "rb") as file:
        beginning = file.read(6)
    for magic, remedy in KINDS.items():
        if beginning.startswith(magic):
            raise ValueError(f"{key}={path}: by its first bytes no text; {remedy}")


def _table(path: str, end: str, key: str) -> Numbered:
    """Rows of a Parquet or Arrow file; the library holds some row groups or batches at a time."""
    try:
        with TemporaryDirectory() as scratch:  # for the lock file that the library leaves
            options = {"data_files": escape(str(Path(path).absolute())), "cache_dir": scratch}
            rows = library().load_dataset(end[1:], split="train", streaming=True, **options)
            # as Arrow, since decoding row by row takes four times as long, and pairs have no images to decode
            batches = rows.with_format("arrow").iter(BATCH)
            yield from enumerate(chain.from_iterable(batch.to_pylist() for batch in batches), start=1)
    except (ValueError, OSError) as error:
        raise ValueError(f"{key}={path}: unreadable ({brief(error)})") from None


def _lines(file: IO[str], path: str) -> Numbered:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield number, _object(line, f"{path}:{number}")


def _object(line: str, where: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: no JSON ({error}); each line must be an object") from None
    if not isinstance(row, dict):
        raise ValueError(f"{where}: {type(row).__name__} instead of an object with instruction and output")
    return row


def _document(file: IO[str], path: str) -> Numbered:
    """A list of objects, or JSON lines under the other name."""
    text = file.read()
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        yield from _lines(StringIO(text), path)
        return
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
        raise ValueError(f"{path}: no JSON ({brief(error)})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path}: no list of objects; each must hold instruction and output")
    yield from enumerate(rows, start=1)


def _cells(file: IO[str], path: str, separator: str = ",") -> Numbered:
    """Records below a line of names; every cell is text."""
    csv.field_size_limit(sys.maxsize)
    rows = csv.DictReader(file, delimiter=separator, strict=True)
    names = [name for name in rows.fieldnames or [] if name]
    if len(names) == 1 and (other := re.search("[;\t,|]", names[0])):
        raise ValueError(f"{path}: the first line parts names by {other[0]!r}; write commas in a .csv, tabs in a .tsv")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{path}: two columns are called {twice[0]!r}; give each a name of its own")
    for number, row in enumerate(rows, start=1):
        if None in row:
            raise ValueError(f"{path}:{number}: more cells than names in the first line; quote cells that hold commas")
        yield number, row


READERS: dict[str, Callable[[IO[str], str], Numbered]] = {
    ".csv": _cells,
    ".tsv": partial(_cells, separator="\t"),
    ".json": _document,
}
"""End of a name -> what reads the text; JSON lines may have any other."""
