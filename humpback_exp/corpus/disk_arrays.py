"""Arrays of numbers that lie on the disk and are read a part at a time. Called by dedup.

They are read and written, not mapped, so that the pages of the file do not count as memory of the process.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILES = 256
"""Parts at most, which are open at the same time."""
AT_ONCE = 1 << 16
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Makes parts alike whatever the values are."""
Array = NDArray[np.uint64]


def append(path: Path, numbers: "bytes | NDArray[Any]") -> None:
    with path.open("ab") as file:
        file.write(numbers if isinstance(numbers, bytes) else numbers.tobytes())


def read_numbers(path: Path, columns: int) -> Array:
    """All of a file as rows of so many numbers."""
    return np.fromfile(path, "<u8").reshape(-1, columns)


def distribute(path: Path, count: int, part: int) -> Iterator[Array]:
    """Pairs of value and place of a file of `count` numbers, in parts of about `part` pairs; equal values are in one part."""
    parts = min(FILES, -(-count // part))
    scratch = [path.with_name(f"{path.name}-{number:03d}") for number in range(parts)]
    files = [name.open("wb") for name in scratch]
    with path.open("rb") as source:
        for start in range(0, count, AT_ONCE):
            values = np.frombuffer(source.read(8 * AT_ONCE), "<u8")
            pairs = np.stack([values, np.arange(start, start + len(values), dtype=np.uint64)], axis=1)
            where = ((values * SPREAD) >> np.uint64(40)) % np.uint64(parts)
            order = np.argsort(where, kind="stable")
            ends = np.searchsorted(where[order], np.arange(parts, dtype=np.uint64), side="right")
            for file, own in zip(files, np.split(pairs[order], ends[:-1]), strict=True):
                file.write(own.tobytes())
    for file, name in zip(files, scratch, strict=True):
        file.close()
        if name.stat().st_size:
            yield read_numbers(name, 2)
        name.unlink()


class Numbers:
    """A file of numbers as a list that is 0 wherever nothing was written."""

    def __init__(self, path: Path, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.file = os.open(path, os.O_RDWR | os.O_CREAT)

    def close(self) -> None:
        os.close(self.file)

    def __getitem__(self, place: int) -> int:
        return int.from_bytes(os.pread(self.file, self.dtype.itemsize, place * self.dtype.itemsize), "little")

    def __setitem__(self, place: int, number: int) -> None:
        size = self.dtype.itemsize
        os.pwrite(self.file, number.to_bytes(size, "little"), place * size)

    def read(self, start: int, count: int) -> NDArray[Any]:
        """So many numbers from a place on."""
        size = self.dtype.itemsize
        return np.frombuffer(os.pread(self.file, count * size, start * size), self.dtype)
