"""Files whose size and CRC-32 are known from the writing of them, so that damage is found before anything is loaded.

The sum is taken of the bytes as they go to the disk: no second pass over a file of fifty gigabytes. CRC-32 finds what
disks and file systems do to files, costs a third of SHA-256 (2.6 against 1.2 GB/s on one core), and guards against
accidents only.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

BLOCK = 16 << 20
"""Bytes read at a time when a file is checked."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file was when it was written, and the rank that wrote it."""

    size: int
    crc32: int
    rank: int


class ChecksumWriter:
    """A stream for `torch.save` that sums what passes through; keeps the system's error, which torch would bury."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.crc32 = file, 0, 0
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        try:
            self.file.write(view)
        except OSError as error:
            self.error = error
            raise
        self.size, self.crc32 = self.size + len(view), zlib.crc32(view, self.crc32)
        return len(view)

    def flush(self) -> None:
        self.file.flush()


def write(state: object, path: Path, rank: int) -> Checksum:
    """`torch.save` to `path`, synchronised with the disk.

    Raises:
        OSError: the system's own.
    """
    with path.open("wb") as file:
        stream = ChecksumWriter(file)
        try:
            torch.save(state, stream)  # type: ignore[arg-type]
        except RuntimeError:
            if stream.error is None:
                raise
            raise stream.error from None
        stream.flush()
        os.fsync(file.fileno())
    return Checksum(stream.size, stream.crc32, rank)


def damage(path: Path, checksum: Checksum) -> str | None:
    """What is wrong with a file, None if it is as it was written."""
    try:
        size, crc32 = path.stat().st_size, 0
        if size != checksum.size:
            return f"{path.name} has {size} bytes instead of {checksum.size}"
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                crc32 = zlib.crc32(block, crc32)
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    return None if crc32 == checksum.crc32 else f"{path.name} has other bytes than were written"
