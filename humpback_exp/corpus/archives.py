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
from humpback_exp.corpus.record_buffer import MAX_HEAD, RecordBuffer, Torn, heads
from humpback_exp.progress import warn_once

WARC = heads(rb"WARC/\d[\d.]*[ \t]*\r?\n(?=[\w-]+:)")
ARC = heads(rb"([a-z][\w.+-]*:[^\n]*) ([\d.:a-f]+|-) (\d{8,17}) (?:\S+ |[^\n]* )(\d{1,18})[ \t]*\r?\n", re.I)
ARC_START = b"filedesc:"
EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
RANGE = 64 << 20
"""Bytes of an archive that one worker takes at a time."""


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
    is_arc = _is_arc(file)
    buffer = RecordBuffer(streams.pieces(file, first, end), first, ARC if is_arc else WARC)
    if plain and start:
        buffer.drop_line()
        buffer.between = True
    records = 0
    while True:
        if not buffer.begins():
            if not buffer.torn:
                break
            buffer.mend()
            continue
        if plain and end is not None and buffer.place >= end:
            break
        records += 1
        try:
            found = _arc_record(buffer, limit) if is_arc else _warc_record(buffer, limit)
        except Torn:
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
    return first.startswith(ARC_START) and ARC.first.match(first) is not None


def _warc_record(buffer: RecordBuffer, limit: int) -> Found | None:
    buffer.fill(MAX_HEAD)
    line = WARC.first.match(buffer.data)
    assert line, "the buffer stands at a record"
    empty = EMPTY_LINE.search(buffer.data, line.end() - 1, MAX_HEAD)
    head_end = empty.end() if empty else line.end()
    fields = _fields(bytes(buffer.data[line.end() : empty.start() if empty else line.end()]))
    length = fields.get("content-length", "")
    size = int(length) if length.isdecimal() and len(length) < 19 else None
    content = buffer.content(head_end, size, limit)
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


def _arc_record(buffer: RecordBuffer, limit: int) -> Found | None:
    """ARC: a line `url ip date type ... length`, then that many bytes of HTTP."""
    buffer.fill(MAX_HEAD)
    line = ARC.first.match(buffer.data)
    assert line, "the buffer stands at a record"
    url, date = _text(line[1]), _text(line[3])
    content = buffer.content(line.end(), int(line[4]), limit)
    if url.startswith(("filedesc:", "dns:")):
        return None
    if content is None:
        return Found(url, reason=reasons.TOO_LARGE, version=date)
    answer = http.response(content, "", limit)
    return Found(url, answer.html, answer.charset, answer.reason, date)


def _fields(head: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in head.splitlines():
        name, _, value = line.partition(b":")
        fields.setdefault(_text(name).strip().lower(), _text(value).strip())
    return fields


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
