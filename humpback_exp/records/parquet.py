"""Records to Parquet and back: equal rows give equal bytes, files appear whole, and are read a batch at a time."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from secrets import token_hex
from typing import Any, Generic, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

R = TypeVar("R")
BATCH = 1024
"""Rows that are written at a time."""
READ = 128
"""Rows that are read at a time."""
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema(cls: type) -> pa.Schema:
    """The Arrow schema of a record class."""
    return pa.schema([pa.field(name, _arrow(hint)) for name, hint in get_type_hints(cls).items()])


def _arrow(hint: Any) -> pa.DataType:
    if hint in _ARROW:
        return _ARROW[hint]
    inner = hint.__args__[0]
    return pa.list_(_ARROW[inner]) if getattr(hint, "__origin__", None) is list else _ARROW[inner]


def write(path: Path, cls: type[R], rows: Iterable[R]) -> int:
    """Write rows to `path` by atomic rename and return their number; equal rows give equal bytes.

    The scratch file has a name of its own, so a worker that was taken for dead cannot write into another's.
    """
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema(cls))  # type: ignore[call-overload]
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    try:
        with scratch.open("wb") as sink:
            pq.write_table(table, sink, compression="zstd")
            sink.flush()
            os.fsync(sink.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return int(table.num_rows)


class Writer(Generic[R]):
    """A file whose rows are written as they come, a batch at a time; it appears whole at the end, or not at all."""

    def __init__(self, path: Path, cls: type[R]) -> None:
        self.path, self.schema = path, schema(cls)
        self.scratch = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
        self.rows: list[R] = []

    def __enter__(self) -> "Writer[R]":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.sink = self.scratch.open("wb")
        self.file = pq.ParquetWriter(self.sink, self.schema, compression="zstd")
        return self

    def add(self, row: R) -> None:
        """Write a row, with those before it where there are enough."""
        self.rows.append(row)
        if len(self.rows) == BATCH:
            self._flush()

    def _flush(self) -> None:
        rows = [asdict(row) for row in self.rows]  # type: ignore[call-overload]
        self.file.write_table(pa.Table.from_pylist(rows, schema=self.schema))
        self.rows.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                self.file.close()
                self.sink.flush()
                os.fsync(self.sink.fileno())
                self.scratch.replace(self.path)
        finally:
            self.file.is_open = False  # else it would be closed once more when it is forgotten, and complain
            self.sink.close()
            self.scratch.unlink(missing_ok=True)


def parts(folder: Path, subfolder: str = "data") -> list[Path]:
    """The Parquet files of an artifact folder, in order."""
    return sorted((folder / subfolder).glob("*.parquet"))


def _opened(path: Path) -> pq.ParquetFile:
    # Buffered ahead, all row groups of a file would stay in memory until its last.
    return pq.ParquetFile(path, pre_buffer=False)


def read_file(path: Path, cls: type[R]) -> Iterator[R]:
    """Records of one Parquet file, a batch at a time; a damaged file raises ValueError."""
    try:
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=READ, columns=[f.name for f in fields(cls)]):  # type: ignore[arg-type]
                for row in batch.to_pylist():
                    yield cls(**row)
    except (pa.ArrowException, TypeError) as error:
        raise ValueError(
            f"{path}: not a readable {cls.__name__} file ({str(error).splitlines()[0]}); "
            "delete its folder and run the stage that wrote it again"
        ) from error


def read(folder: Path, cls: type[R], subfolder: str = "data") -> Iterator[R]:
    """All records of an artifact folder, in order, in bounded memory."""
    for path in parts(folder, subfolder):
        yield from read_file(path, cls)


def read_ids(folder: Path) -> Iterator[str]:
    """The ids of all records of an artifact folder, in order, without reading the rest."""
    for path in parts(folder):
        with _opened(path) as file:
            for batch in file.iter_batches(batch_size=READ, columns=["id"]):
                yield from batch.column("id").to_pylist()
