"""Bytes of a page -> text in which every header tag says where it stood in the bytes. Called by segments."""

import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from humpback_exp import reasons

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
MARK = "at-byte"
HEADER = re.compile(r"<h[1-6](?=[\s>/])", re.I)
HEADER_BYTES = re.compile(rb"<h[1-6](?=[\s>/])", re.I)
MAX_BAD_SHARE = 0.02
"""Pages with more zero and replacement characters than this are taken for binary data or a wrong encoding."""


class NotAPage(ValueError):
    """The bytes are no page; says why in the words of a drop reason."""


def decode(html: bytes, charset: str | None = None) -> str:
    """The text of a page, its header tags marked with their offset in `html`.

    The mark is written into the source before it is parsed, so however the parser moves or drops a tag, its offset goes
    with it. Unquoted digits do no harm where a `<h2>` turns out to stand in a comment, a script or an attribute.

    Raises:
        NotAPage: empty, binary, or in no encoding that fits.
    """
    if not html.strip():
        raise NotAPage(reasons.EMPTY_PAGE)
    encoding = _encoding(html, charset)
    if encoding.startswith("utf-16"):
        text = _mark_text(html, encoding)
    else:
        text = _to_text(HEADER_BYTES.sub(_mark_bytes, html), encoding)
    text = text.lstrip("\ufeff")
    if not text.strip():
        raise NotAPage(reasons.EMPTY_PAGE)
    zeros, replaced = text.count("\0"), text.count("\ufffd")
    if zeros + replaced > MAX_BAD_SHARE * len(text):
        raise NotAPage(reasons.NOT_HTML if zeros else reasons.UNDECODABLE)
    if "<" not in text:
        raise NotAPage(reasons.NOT_HTML)
    return text


def _encoding(html: bytes, charset: str | None) -> str:
    """Byte order mark, then HTTP, then meta; utf-8 where nothing is said."""
    for bom, encoding in BOMS:
        if html.startswith(bom):
            return encoding
    if html[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if html[:1] == b"<" else "utf-16-be"
    said = map_encoding_to_html5(charset, False) if charset else None
    if said is None and (meta := META.search(html[:4096])):
        said = map_encoding_to_html5(meta[1].decode(), False)
        # Standard: a meta tag that could be read as ASCII does not stand in UTF-16.
        said = "utf-8" if said and said.startswith("utf-16") else said
    return said or "utf-8"


def _to_text(html: bytes, encoding: str) -> str:
    """Decode as declared; where that fails, as utf-8 with a few bad bytes, then as the detector thinks."""
    for name in (encoding, "utf-8"):
        try:
            return html.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    text = html.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if bad * 10 < sum(character > "\x7f" for character in text) - bad:
        return text
    return html.decode(detect_encoding(html) or "cp1252", "replace")


def _mark_bytes(tag: "re.Match[bytes]") -> bytes:
    return b"%b %b=%d" % (tag[0], MARK.encode(), tag.start())


def _mark_text(html: bytes, encoding: str) -> str:
    text = html.decode(encoding, "replace")
    done, byte, parts = 0, 0, []
    for tag in HEADER.finditer(text):
        byte += len(text[done : tag.start()].encode(encoding, "replace"))
        parts.append(f"{text[done : tag.start()]}{tag[0]} {MARK}={byte}")
        byte += len(tag[0].encode(encoding))
        done = tag.end()
    return "".join(parts) + text[done:]
