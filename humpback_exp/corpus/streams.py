"""Bytes of a plain, gzip or zstd file from a place in it, in bounded memory and past what is broken. Called by archives."""

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from humpback_exp.corpus.files import File

GZIP = b"\x1f\x8b\x08"
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n, 0x2A, 0x4D, 0x18]) for n in range(16)))
PIECE = 1 << 18
ZSTD_BLOCK = 1 << 17
"""Most bytes of a block, which is unpacked whole or not at all; of a larger piece that ends in a cut-off one all is lost."""
RECORD = re.compile(rb"\s*(?:WARC/\d|[a-z]+:\S)", re.I)
"""What the first bytes of a member of an archive look like."""
BREAK, CUT = b"", None
"""What `pieces` yields after a corrupt member, where what comes next does not go on with what came before, and at the end
of an unfinished one."""


def is_gzip(head: bytes) -> bool:
    return head.startswith(GZIP[:2])


def is_zstd(head: bytes) -> bool:
    return head.startswith(ZSTD)


def is_packed(file: File) -> bool:
    """Whether a file is compressed as a whole, by its first bytes."""
    with file.open() as opened:
        head = opened.read(4)
    return is_gzip(head) or is_zstd(head)


def pieces(source: File, start: int = 0, end: int | None = None) -> Iterator[bytes | None]:
    """Unpacked pieces of a file.

    Of a gzip file, the members that begin in `start`..`end`; of a zstd file, which has no way in, all from 0; of a plain
    file, everything from `start` on.
    """
    with source.open() as file:
        head = file.read(4)
        if is_gzip(head):
            yield from _members(file, start, end)
        elif is_zstd(head):
            yield from _frames(source) if start == 0 else ()
        else:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece


def _members(file: BinaryIO, start: int, end: int | None) -> Iterator[bytes | None]:
    """Gzip members one after another; after a corrupt one the next that unpacks to the begin of a record."""
    sure = start == 0
    while (start := _magic(file, start)) >= 0 and (end is None or start < end):
        file.seek(start)
        unpacker, data, begun = zlib.decompressobj(31), b"", False
        try:
            while not unpacker.eof and (data := unpacker.unconsumed_tail or file.read(PIECE)):
                piece = unpacker.decompress(data, PIECE)
                if piece and not begun and not (sure or RECORD.match(piece)):
                    raise zlib.error("the magic number stood inside a member")
                begun = begun or bool(piece)
                if piece:
                    yield piece
        except zlib.error:
            if sure or begun:
                yield BREAK
            start, sure = start + 1, False
            continue
        if not unpacker.eof:
            if sure or begun:
                yield CUT
            return
        start, sure = file.tell() - len(unpacker.unused_data), True


def _magic(file: BinaryIO, start: int) -> int:
    """The next place from `start` with gzip's magic number, -1 for none."""
    file.seek(start)
    data = b""
    while piece := file.read(PIECE):
        data += piece
        at = data.find(GZIP)
        if at >= 0:
            return file.tell() - len(data) + at
        data = data[-2:]
    return -1


def _frames(source: File) -> Iterator[bytes | None]:
    try:
        with source.open() as file, pa.CompressedInputStream(file, "zstd") as stream:
            while piece := stream.read(ZSTD_BLOCK):
                yield piece
    except OSError:
        yield CUT


def unpack(content: bytes, coding: str, limit: int) -> bytes:
    """HTTP's content coding taken off, to at most `limit` bytes and as far as the content goes.

    Raises:
        ValueError: it is not in this coding.
    """
    if coding in ("gzip", "x-gzip", "deflate"):
        return _inflate(content, limit)
    if coding in ("br", "zstd"):
        return _by_arrow(content, "brotli" if coding == "br" else "zstd", limit)
    return content


def _inflate(content: bytes, limit: int) -> bytes:
    # 47: gzip or zlib by its header; -15: deflate without one, as some servers send it.
    for bits in (47, -15):
        out = b""
        unpacker = zlib.decompressobj(bits)
        try:
            while content and len(out) < limit:
                out += unpacker.decompress(content, limit - len(out))
                content_left = unpacker.unused_data if unpacker.eof else b""
                if not content_left.startswith(GZIP):
                    return out
                content, unpacker = content_left, zlib.decompressobj(bits)
            return out
        except zlib.error:
            if out:
                return out
    raise ValueError("not deflated")


def _by_arrow(content: bytes, codec: str, limit: int) -> bytes:
    out = b""
    try:
        with pa.CompressedInputStream(pa.BufferReader(content), codec) as stream:
            while len(out) < limit and (piece := stream.read(min(PIECE, limit - len(out)))):
                out += piece
    except OSError as error:
        if not out:
            raise ValueError(f"not {codec}") from error
    return out
