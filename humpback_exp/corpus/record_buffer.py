"""An archive's bytes from one record to the next, which is found by what it says rather than by lengths. Called by archives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from humpback_exp.corpus import streams

GAP = re.compile(rb"[\r\n]*")
MAX_HEAD = 1 << 16
"""Bytes in which the head of a record ends."""


@dataclass(frozen=True, slots=True)
class Heads:
    """How records of a kind of archive begin."""

    first: "re.Pattern[bytes]"
    """At a place."""
    following: "re.Pattern[bytes]"
    """After the end of a line."""


def heads(line: bytes, flags: int = 0) -> Heads:
    """Of records whose first line looks like this."""
    return Heads(re.compile(line, flags), re.compile(rb"\n" + line, flags))


class Torn(Exception):
    """A record that a break cut off."""


class RecordBuffer:
    """The unpacked bytes of an archive from one record to the next."""

    def __init__(self, source: Iterator[bytes | None], place: int, heads: Heads) -> None:
        self.source, self.heads = source, heads
        self.data = bytearray()
        self.place = place
        """Of the first byte held, in the unpacked archive."""
        self.between = place > 0
        """Whether the bytes before the first record belong to one that another range holds."""
        self.ended = self.broken = False
        self.torn = False
        """Whether what comes next in the file does not go on with what is held."""

    def fill(self, size: int) -> bool:
        """Hold `size` bytes; False where the archive has no more."""
        while len(self.data) < size and not (self.ended or self.torn):
            piece = next(self.source, streams.CUT)
            if piece is streams.CUT:
                self.ended = True
            elif piece == streams.BREAK:
                self.broken = self.torn = True
            else:
                self.data += piece
        return len(self.data) >= size

    def mend(self) -> None:
        """Leave what a break cut off behind, and go on after it."""
        self.drop(len(self.data))
        self.torn = False

    def drop(self, size: int) -> None:
        """Leave bytes behind."""
        self.place += size
        del self.data[:size]

    def drop_line(self) -> None:
        """Leave everything up to the next line behind."""
        while (end := self.data.find(b"\n")) < 0 and self.fill(len(self.data) + 1):
            pass
        self.drop(end + 1 if end >= 0 else len(self.data))

    def seek(self) -> bool:
        """Leave everything before the next record behind; False where there is none."""
        while not self.heads.first.match(self.data):
            self.broken = self.broken or (bool(self.data) and not self.between)
            found = self.heads.following.search(self.data)
            if found:
                self.drop(found.start() + 1)
                break
            self.drop(max(0, len(self.data) - MAX_HEAD))
            if not self.fill(len(self.data) + 1):
                return False
        self.between = False
        return True

    def begins(self) -> bool:
        """Go to the next record over the lines between; False where there is none."""
        if not self.fill(1):
            return False
        gap = GAP.match(self.data)
        while gap and gap.end() == len(self.data) and self.fill(len(self.data) + 1):
            gap = GAP.match(self.data)
        self.drop(max(0, gap.end() if gap else 0))
        self.fill(MAX_HEAD)
        return self.seek()

    def content(self, start: int, size: int | None, limit: int) -> bytes | None:
        """What stands in a record; None for more than a page may have. Goes to its end.

        A length that does not lead to the next record, or the end, is not believed: the next record is looked for.
        """
        most = limit + MAX_HEAD
        if size is not None and size <= most:
            whole = self.fill(start + size)
            self.fill(start + size + MAX_HEAD)
            gap = GAP.match(self.data, start + size)
            after = gap.end() if gap and whole else start + size
            parted = self.data.count(b"\n", start + size, after) > 1
            if whole and (parted or after >= len(self.data) or self.heads.first.match(self.data, after)):
                content = bytes(self.data[start : start + size])
                self.drop(start + size)
                return content
        self.fill(start + most)
        following = self.heads.following.search(self.data, max(0, start - 1))
        if following:
            content = bytes(self.data[start : following.start() + 1]).rstrip(b"\r\n")
            self.broken = self.broken or size is not None
            self.drop(following.start() + 1)
            return content
        if self.torn:
            raise Torn
        content = bytes(self.data[start:])
        if len(content) > most or not self.ended:
            self.drop(start)
            self.between = True
            self.seek()
            return None
        self.broken = self.broken or (size is not None and len(content) < size)
        self.drop(len(self.data))
        return content
