"""An HTTP response as a crawler kept it -> the page in it, or the reason why there is none. Called by archives."""

import re
from dataclasses import dataclass, field

from humpback_exp import reasons
from humpback_exp.corpus import streams

HTML_TYPES = ("text/html", "application/xhtml+xml")
UNKNOWN_TYPES = (
    "",
    "application/octet-stream",
    "unknown/unknown",
    "application/unknown",
    "binary/octet-stream",
    "html",
    "*/*",
)
HEAD_END = re.compile(rb"\r?\n\r?\n")
STATUS = re.compile(rb"HTTP/\d(?:\.\d)?\s+(\d{3})")
CHUNK = re.compile(rb"\s*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|h[1-6]|div|p|table|meta|!--)\b", re.I)
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s;\"',]+)", re.I)
SNIFFED = 1024


@dataclass(slots=True)
class Response:
    """What is left of a response."""

    html: bytes = b""
    charset: str | None = None
    reason: str = ""


@dataclass(slots=True)
class Head:
    """Status and headers, their names in lower case."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)


def looks_like_html(content: bytes) -> bool:
    """What a browser would take for a page without being told."""
    return MARKUP.search(content[:SNIFFED].replace(b"\0", b"")) is not None


def response(content: bytes, identified: str, limit: int) -> Response:
    """The page of a recorded response.

    Args:
        content: status line, headers, body; or the body alone, as some crawls keep it.
        identified: the media type that the crawler found, if it says so.
        limit: largest page in bytes.
    """
    head, body = _split(content)
    if head is None:
        return (
            page(content, "", identified, limit) if looks_like_html(content) else Response(reason=reasons.HTTP_STATUS)
        )
    if head.status != 200:
        return Response(reason=reasons.HTTP_STATUS)
    for name in ("transfer-encoding", "content-encoding"):
        for coding in reversed(head.fields.get(name, "").lower().replace(" ", "").split(",")):
            if coding == "chunked":
                body = _without_chunks(body)
                continue
            try:
                body = streams.unpack(body, coding, limit + 1)
            except ValueError:
                # Some crawlers take the coding off and leave the header that promises it.
                if not looks_like_html(body):
                    return Response(reason=reasons.UNDECODABLE)
    return page(body, head.fields.get("content-type", ""), identified, limit)


def page(body: bytes, content_type: str, identified: str, limit: int) -> Response:
    """A body with what was said of its type."""
    kind = content_type.partition(";")[0].split(",")[0].strip().lower()
    is_html = kind in HTML_TYPES or (identified.partition(";")[0].strip().lower() in HTML_TYPES)
    if not is_html and (kind in UNKNOWN_TYPES or "/" not in kind):
        is_html = looks_like_html(body)
    if not is_html:
        return Response(reason=reasons.NOT_HTML)
    if len(body) > limit:
        return Response(reason=reasons.TOO_LARGE)
    charset = CHARSET.search(content_type)
    return Response(body, charset[1] if charset else None)


def _split(content: bytes) -> tuple[Head | None, bytes]:
    status = STATUS.match(content)
    if not status:
        return None, content
    end = HEAD_END.search(content)
    head, body = (content[: end.start()], content[end.end() :]) if end else (content, b"")
    if not end and (start := content.find(b"<")) >= 0:
        # The empty line is missing.
        head, body = content[:start], content[start:]
    fields: dict[str, str] = {}
    name = ""
    for line in head.decode("latin-1").splitlines()[1:]:
        if line[:1] in " \t" and name:
            fields[name] += " " + line.strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = f"{fields[name]}, {value.strip()}" if name in fields else value.strip()
    return Head(int(status[1]), fields), body


def _without_chunks(body: bytes) -> bytes:
    """The chunks that were received; a body that is not chunked after all as it is."""
    parts, at = [], 0
    while (size := CHUNK.match(body, at)) and int(size[1], 16):
        start = size.end()
        at = start + int(size[1], 16)
        parts.append(body[start:at])
    return b"".join(parts) if parts else body
