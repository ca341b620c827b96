"""WARC and ARC files -> HTML pages with their address and what HTTP said of their encoding. Called by pages."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fastwarc.stream_io import BrotliReader, ChunkedReader, GzipReader, WarcReader, ZstdReader
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from humpback_exp import reasons
from humpback_exp.progress import log

Found = tuple[str, bytes, str | None, str]
"""Address, HTML, charset and, for what is no page to use, the reason."""
LARGEST_PAGE = 1 << 26
"""Bytes a page may have, unpacked: a few compressed kilobytes may otherwise fill the memory."""
HTML_TYPES = ("text/html", "application/xhtml+xml")
WANTED = WarcRecordType.response | WarcRecordType.resource
DECODERS: dict[str, Callable[[BinaryIO], WarcReader]] = {
    "chunked": ChunkedReader,
    "gzip": GzipReader,
    "x-gzip": GzipReader,
    "deflate": partial(GzipReader, zlib=True),
    "br": BrotliReader,
    "zstd": ZstdReader,
}
BROKEN = (OSError, EOFError, zlib.error)


def read(path: Path) -> Iterator[Found]:
    """The pages of an archive in order. Of a broken one what can be read, then one entry that says it is broken."""
    done = last = 0
    try:
        for record in _records(path, lenient=False):
            done, last = done + 1, record.stream_pos
            yield from _page(record)
        _check_end(path, last)
        return
    except BROKEN as error:
        log.warning("%s: broken after %d records (%s); using what can be read", path, done, error)
    try:
        # Lenient reading finds records after the break, but would not have told us of it.
        for number, record in enumerate(_records(path, lenient=True)):
            if number >= done:
                yield from _page(record)
    except BROKEN:
        pass
    yield path.name, b"", None, reasons.TRUNCATED_ARCHIVE


def _records(path: Path, lenient: bool) -> Iterator[WarcRecord]:
    is_arc = path.name.lower().endswith((".arc", ".arc.gz"))
    with path.open("rb") as file:
        if not is_arc:
            yield from ArchiveIterator(file, quirks_mode=lenient)
        elif not lenient:
            for record in _arc_as_warc(file):
                yield from ArchiveIterator(io.BytesIO(record), quirks_mode=True)


def _arc_as_warc(file: BinaryIO) -> Iterator[bytes]:
    """ARC version 1 records, rewritten as WARC: a line `url ip date type length`, then that many bytes of HTTP."""
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if zipped else file
    while line := stream.readline():
        if not line.strip():
            continue
        # An address may hold spaces: the four other fields are counted from the right.
        url, *fields = line.strip().rsplit(b" ", 4)
        if len(fields) < 4 or not fields[3].isdigit():
            raise OSError(f"no ARC header: {line[:60]!r}")
        body = stream.read(int(fields[3]))
        if not url.startswith((b"filedesc:", b"dns:")):
            head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
            yield head + b"WARC-Target-URI: %b\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n" % (url, len(body), body)
        if len(body) < int(fields[3]):
            raise EOFError("file ends inside a record")


def _check_end(path: Path, last: int) -> None:
    """Raise when a WARC file ends before its last record does; fastwarc takes the end of the file for the record's."""
    if path.name.lower().endswith((".arc", ".arc.gz")):
        return
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        # Compressed as one stream, records have no place of their own: only the whole file can be tried.
        file.seek(last if last < path.stat().st_size else 0)
        if zipped:
            _check_gzip(file)
        elif len(file.read()) < _record_length(path, last):
            raise EOFError("file ends inside a record")


def _check_gzip(file: BinaryIO) -> None:
    stream = gzip.GzipFile(fileobj=file)
    while stream.read(1 << 20):
        pass


def _record_length(path: Path, position: int) -> int:
    with path.open("rb") as file:
        file.seek(position)
        length, start = 0, position
        while (line := file.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        if not line:
            raise EOFError("file ends inside a header")
        return file.tell() - start + length


def _page(record: WarcRecord) -> Iterator[Found]:
    if not record.record_type & WANTED:
        return
    url = str(record.headers.get("WARC-Target-URI") or "").strip("<>").encode("utf-8", "backslashreplace").decode()
    if record.record_type == WarcRecordType.response:
        status = record.http_headers.status_code if record.is_http_parsed else None
        kind, charset = record.http_content_type, record.http_charset
    else:
        status = 200
        kind, _, rest = (record.headers.get("Content-Type") or "").partition(";")
        charset = rest.partition("charset=")[2].strip(" \"'") or None
    if status != 200:
        yield url, b"", None, reasons.HTTP_STATUS
    elif (kind or "").strip().lower() not in HTML_TYPES:
        yield url, b"", None, reasons.NOT_HTML
    else:
        yield _payload(record, url, charset)


def _payload(record: WarcRecord, url: str, charset: str | None) -> Found:
    """The page without HTTP's encodings. Some crawlers take them off and leave the headers that promise them."""
    content = record.reader.read(LARGEST_PAGE + 1)
    for header in ("Transfer-Encoding", "Content-Encoding"):
        names = (record.http_headers.get(header) or "") if record.is_http_parsed else ""
        for name in reversed(names.lower().replace(" ", "").split(",")):
            try:
                content = DECODERS[name](io.BytesIO(content)).read(LARGEST_PAGE + 1) if name in DECODERS else content
            except BROKEN:
                if not content.lstrip().startswith(b"<"):
                    return url, b"", None, reasons.UNDECODABLE
    return (url, b"", None, reasons.TOO_LARGE) if len(content) > LARGEST_PAGE else (url, content, charset, "")
