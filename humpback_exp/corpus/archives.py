"""WARC and ARC files -> HTML pages with their address and what HTTP said of their encoding. Called by pages.

Records are found by what they say rather than by their length alone: after a corrupt member, a length that lies or bytes
that belong to nothing, reading goes on at the next record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from humpback_exp import reasons
from humpback_exp.corpus import http, streams
from humpback_exp.corpus.files import File
from humpback_exp.progress import warn_once

RANGE = 64 << 20
"""Bytes of an archive that one worker takes at a time."""
WARC = re.compile(rb"WARC/\d[\d.]*[ \t]*\r?\n(?=[\w-]+:)")
NEXT_WARC = re.compile(rb"\n" + WARC.pattern)
ARC = re.compile(rb"([a-z][\w.+-]*:[^\n]*) ([\d.:a-f]+|-) (\d{8,17}) (?:\S+ |[^\n]* )(\d+)[ \t]*\r?\n", re.I)
NEXT_ARC = re.compile(rb"\n" + ARC.pattern, re.I)
ARC_START = b"filedesc:"
EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
GAP = re.compile(rb"[\r\n]*")
MAX_HEAD = 1 << 16


@dataclass(slots=True)
class Found:
    """A page of an archive, or what is in its place."""

    url: str
    html: bytes = b""
    charset: str | None = None
    reason: str = ""
    """Why it is no page to use."""
    version: str = ""
    """When it was visited, or the record's own id."""


class _Torn(Exception):
    """A record that a break cut off."""


class _Buffer:
    """The unpacked bytes of an archive from one record to the next."""

    def __init__(self, source: Iterator[bytes | None], place: int) -> None:
        self.source = source
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

    def seek(self, pattern: "re.Pattern[bytes]") -> bool:
        """Leave everything before the line that fits `pattern` behind; False where none does."""
        while not pattern.match(self.data):
            self.broken = self.broken or (bool(self.data) and not self.between)
            found = pattern_after_line(pattern).search(self.data)
            if found:
                self.drop(found.start() + 1)
                break
            self.drop(max(0, len(self.data) - MAX_HEAD))
            if not self.fill(len(self.data) + 1):
                return False
        self.between = False
        return True


def pattern_after_line(pattern: "re.Pattern[bytes]") -> "re.Pattern[bytes]":
    return NEXT_WARC if pattern is WARC else NEXT_ARC


def ranges(file: File) -> list[tuple[int, int | None]]:
    """Places between which workers may share an archive; the last has no end."""
    starts = list(range(0, max(1, file.size()), RANGE))
    return list(zip(starts, [*starts[1:], None], strict=True))


def read(file: File, start: int = 0, end: int | None = None, limit: int = 8 << 20) -> Iterator[Found]:
    """The pages of the records that begin in a range of an archive, in order.

    Of a broken archive what can be read, then one entry that says it is broken; of what is none, an entry that says so.

    Args:
        limit: largest page in bytes.
    """
    plain = not streams.is_packed(file)
    # A record begins after a line's end: one byte more tells whether one begins right at the start.
    first = start - 1 if plain and start else start
    buffer = _Buffer(streams.pieces(file, first, end), first)
    if plain and start:
        buffer.drop_line()
        buffer.between = True
    is_arc = _is_arc(file)
    records = 0
    while True:
        if not _begins(buffer, is_arc):
            if not buffer.torn:
                break
            buffer.mend()
            continue
        if plain and end is not None and buffer.place >= end:
            break
        records += 1
        try:
            found = _arc_record(buffer, limit) if is_arc else _warc_record(buffer, limit)
        except _Torn:
            buffer.mend()
            continue
        if found:
            yield found
    if buffer.broken and records:
        warn_once(f"{file}: broken after {records} records; using what can be read")
        yield Found(file.address, reason=reasons.TRUNCATED_ARCHIVE)
    elif buffer.broken or (not records and start == 0):
        warn_once(f"{file}: no record found; is it a WARC or ARC file?")
        yield Found(file.address, reason=reasons.TRUNCATED_ARCHIVE)


def _is_arc(file: File) -> bool:
    first = next(streams.pieces(file), b"") or b""
    return first.startswith(ARC_START) and ARC.match(first) is not None


def _begins(buffer: _Buffer, is_arc: bool) -> bool:
    """Go to the next record; False where there is none."""
    if not buffer.fill(1):
        return False
    gap = GAP.match(buffer.data)
    while gap and gap.end() == len(buffer.data) and buffer.fill(len(buffer.data) + 1):
        gap = GAP.match(buffer.data)
    buffer.drop(max(0, gap.end() if gap else 0))
    buffer.fill(MAX_HEAD)
    return buffer.seek(ARC if is_arc else WARC)


def _warc_record(buffer: _Buffer, limit: int) -> Found | None:
    buffer.fill(MAX_HEAD)
    line = WARC.match(buffer.data)
    assert line, "the buffer stands at a record"
    empty = EMPTY_LINE.search(buffer.data, line.end() - 1, MAX_HEAD)
    head_end = empty.end() if empty else line.end()
    fields = _fields(bytes(buffer.data[line.end() : empty.start() if empty else line.end()]))
    length = fields.get("content-length", "")
    size = int(length) if length.isdigit() else None
    content = _content(buffer, head_end, size, WARC, limit)
    kind = fields.get("warc-type", "").lower()
    if kind not in ("response", "resource", "conversion"):
        return None
    url = fields.get("warc-target-uri", "").strip("<>")
    version = " ".join(fields[name] for name in ("warc-date", "warc-record-id") if name in fields)
    if content is None:
        return Found(url, reason=reasons.TOO_LARGE, version=version)
    identified = fields.get("warc-identified-payload-type", "")
    if kind == "response":
        answer = http.response(content, identified, limit)
    else:
        answer = http.page(content, fields.get("content-type", ""), identified, limit)
    return Found(url, answer.html, answer.charset, answer.reason, version)


def _arc_record(buffer: _Buffer, limit: int) -> Found | None:
    """ARC: a line `url ip date type ... length`, then that many bytes of HTTP."""
    buffer.fill(MAX_HEAD)
    line = ARC.match(buffer.data)
    assert line, "the buffer stands at a record"
    url, date = _text(line[1]), _text(line[3])
    content = _content(buffer, line.end(), int(line[4]), ARC, limit)
    if url.startswith(("filedesc:", "dns:")):
        return None
    if content is None:
        return Found(url, reason=reasons.TOO_LARGE, version=date)
    answer = http.response(content, "", limit)
    return Found(url, answer.html, answer.charset, answer.reason, date)


def _content(buffer: _Buffer, start: int, size: int | None, head: "re.Pattern[bytes]", limit: int) -> bytes | None:
    """What stands in a record; None for more than a page may have. Leaves the buffer at the record's end.

    A length that does not lead to the next record, or the end, is not believed: the next record is looked for.
    """
    most = limit + MAX_HEAD
    if size is not None and size <= most:
        whole = buffer.fill(start + size)
        buffer.fill(start + size + MAX_HEAD)
        gap = GAP.match(buffer.data, start + size)
        after = gap.end() if gap and whole else start + size
        parted = buffer.data.count(b"\n", start + size, after) > 1
        if whole and (parted or after >= len(buffer.data) or head.match(buffer.data, after)):
            content = bytes(buffer.data[start : start + size])
            buffer.drop(start + size)
            return content
    buffer.fill(start + most)
    following = pattern_after_line(head).search(buffer.data, max(0, start - 1))
    if following:
        content = bytes(buffer.data[start : following.start() + 1]).rstrip(b"\r\n")
        buffer.broken = buffer.broken or size is not None
        buffer.drop(following.start() + 1)
        return content
    if buffer.torn:
        raise _Torn
    content = bytes(buffer.data[start:])
    if len(content) > most or not buffer.ended:
        buffer.drop(start)
        buffer.between = True
        buffer.seek(head)
        return None
    buffer.broken = buffer.broken or (size is not None and len(content) < size)
    buffer.drop(len(buffer.data))
    return content


def _fields(head: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in head.splitlines():
        name, _, value = line.partition(b":")
        fields.setdefault(_text(name).strip().lower(), _text(value).strip())
    return fields


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
