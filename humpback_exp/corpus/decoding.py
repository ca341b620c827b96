"""Bytes of a page -> text in which every header tag says where it stood in the bytes. Called by segments."""

import re
from collections.abc import Callable

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from humpback_exp import reasons
from humpback_exp.corpus.nesting import too_dear
from humpback_exp.corpus.xhtml import as_html, is_xhtml

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
ESCAPED = ("iso-2022-jp", "hz-gb-2312", "iso-2022-kr")
"""Encodings whose bytes are all ASCII: only what a page says tells them from UTF-8."""
PRESCAN = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(?:script|style|title)\b.*?(?:</(?:script|style|title)|\Z)|(?P<meta><meta\b[^>]*>)",
    re.I | re.S,
)
"""As browsers look for a declared encoding: a meta tag inside a comment or a script is none."""
CONTENT = re.compile(rb"\scontent\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.I)
CONTENT_TYPE = re.compile(rb"http-equiv\s*=\s*[\"']?\s*content-type", re.I)
CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]*\sencoding\s*=\s*[\"']([\w.:-]+)")
MAX_BAD_SHARE = 0.02
"""Pages with more zero and replacement characters than this are taken for binary data or a wrong encoding."""

CONTROLS = bytes([*range(1, 9), 11, *range(14, 32), 127])
"""Characters that mean nothing in a page, and would make text of a tag that holds one. Zeros tell binary data."""

MARK = "at-byte"
HEADERS = re.compile(rb"<h[1-6](?=[\s>/])")
ROLE = re.compile(rb"role\s*=\s*[\"']?heading\b")
WIDE_HEADERS = {
    "utf-16-le": re.compile(rb"<\0h\0[1-6]\0(?=[\s>/]\0)"),
    "utf-16-be": re.compile(rb"\0<\0h\0[1-6](?=\0[\s>/])"),
}
"""To be looked for in small letters, which is faster than without regard to case."""

MANY_TAGS = 10_000
"""Fewer cannot nest beyond the bound, since the elements open at a tag are half as many on average."""


class NotAPage(ValueError):
    """The bytes are no page; says why in the words of a drop reason."""


def decode(html: bytes, charset: str | None = None) -> str:
    """The text of a page, its header tags marked with their offset in `html`.

    The mark is written into the source before it is parsed, so however the parser moves or drops a tag, its offset goes
    with it. Unquoted digits do no harm where a `<h2>` turns out to stand in a comment, a script or an attribute.

    Raises:
        NotAPage: empty, binary, nested beyond reason, or in no encoding that fits.
    """
    if not html.strip():
        raise NotAPage(reasons.EMPTY_PAGE)
    text = read_text(html, charset, _marked).lstrip("\ufeff")
    if not text.strip():
        raise NotAPage(reasons.EMPTY_PAGE)
    zeros, replaced = text.count("\0"), text.count("\ufffd")
    if zeros + replaced > MAX_BAD_SHARE * len(text):
        raise NotAPage(reasons.NOT_HTML if zeros else reasons.UNDECODABLE)
    if "<" not in text:
        raise NotAPage(reasons.NOT_HTML)
    if text.count("<") > MANY_TAGS and (reason := too_dear(text)):
        raise NotAPage(reason)
    return as_html(text) if is_xhtml(text) else text


Read = Callable[[bytes, str, str], str]
"""Bytes, their encoding, and how errors are handled -> text."""


def read_text(html: bytes, charset: str | None = None, read: Read = bytes.decode) -> str:
    """Byte order mark, then zeros of UTF-16, then valid UTF-8 whatever is declared, then HTTP, meta and the detector."""
    for bom, encoding in BOMS:
        if html.startswith(bom):
            return read(html, encoding, "replace")
    if wide := _wide(html):
        return read(html, wide, "replace")
    if (b"\x1b" in html and b"\x1b$" in html) or (b"~" in html and b"~{" in html):
        said = _declared(html, charset)
        if said in ESCAPED:
            return read(html, said, "replace")
    try:
        return read(html, "utf-8", "strict")
    except UnicodeDecodeError:
        return read(html, _legacy(html, _declared(html, charset)), "replace")


def _wide(html: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other byte of its markup is zero."""
    even, odd = html[0:1024:2].count(0), html[1:1024:2].count(0)
    few, many = sorted((even, odd))
    if many * 4 < len(html[:1024]) or few * 10 > many:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _declared(html: bytes, charset: str | None) -> str | None:
    """The encoding that HTTP, or else the page, declares; None where neither names one that exists."""
    said = [charset.encode("ascii", "replace")] if charset else []
    if declaration := XML_ENCODING.match(html):
        said.append(declaration[1])
    for found in PRESCAN.finditer(html[: 1 << 20]):
        if tag := found["meta"]:
            # The words of a description declare nothing; the content of an http-equiv does.
            name = CHARSET.search(tag if CONTENT_TYPE.search(tag) else CONTENT.sub(b"", tag))
            said += [name[1]] if name else []
    for label in said:
        encoding = map_encoding_to_html5(label.decode("ascii", "replace"), False)
        if encoding:
            # Standard: a tag that could be read as ASCII does not stand in UTF-16.
            return "utf-8" if encoding.startswith("utf-16") else str(encoding)
    return None


def _legacy(html: bytes, declared: str | None) -> str:
    """The encoding of bytes that are not valid UTF-8: nearly UTF-8, or as declared, or as the detector thinks."""
    text = html.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    if good >= bad if declared == "utf-8" else good > 10 * bad:
        return "utf-8"
    if declared and declared != "utf-8":
        try:
            wrong = html.decode(declared, "replace").count("\ufffd")
        except LookupError:
            wrong = len(html)
        if wrong <= MAX_BAD_SHARE * len(html):
            return declared
    found = detect_encoding(html) or "cp1252"
    return "cp1252" if found == "utf-8" and good < bad else found  # it says so of few bytes, too


def _marked(html: bytes, encoding: str, errors: str) -> str:
    wide, lower = WIDE_HEADERS.get(encoding), html.lower()
    places = [(tag.end(), tag.start()) for tag in (wide or HEADERS).finditer(lower) if not (wide and tag.start() % 2)]
    if not wide and b"heading" in lower:
        roles = [role.start() - 1 for role in ROLE.finditer(lower) if lower[role.start() - 1 : role.start()].isspace()]
        places = sorted(places + [(at, html.rfind(b"<", 0, at)) for at in roles])
    pieces, done = [], 0
    for at, start in places:
        pieces += [html[done:at], f" {MARK}={start} ".encode(encoding if wide else "ascii")]
        done = at
    source = b"".join([*pieces, html[done:]])
    if not wide and encoding not in ESCAPED:
        source = source.translate(None, CONTROLS)
    text = source.decode(encoding, errors)
    # A download that was cut off inside a character.
    return text.removesuffix("\ufffd") if errors == "replace" else text
