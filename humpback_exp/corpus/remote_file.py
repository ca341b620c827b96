"""A file at an address, read by ranges and patiently. Called by files."""

import io
from typing import Any, cast

from humpback_exp.artifacts.addresses import file_system, patiently


class PatientFile(io.RawIOBase):
    """A remote file whose reads are tried again, for a corpus must not end with one lost connection."""

    def __init__(self, path: str) -> None:
        self.address = path
        self.fs, self.path = file_system(path)
        self.file = patiently(lambda: self.fs.open(self.path, "rb"), path)
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.file.size}[whence]
        self.place = start + offset
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        data = patiently(lambda: self._read(len(buffer)), self.address)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        if self.file.closed:
            self.file = self.fs.open(self.path, "rb")
        self.file.seek(self.place)
        data = cast(bytes, self.file.read(size))
        if not data and self.place < (self.file.size or 0):
            raise ConnectionError(f"nothing came from byte {self.place} of {self.file.size} on")
        return data

    def close(self) -> None:
        self.file.close()
        super().close()
