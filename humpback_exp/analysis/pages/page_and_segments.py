"""One web page beside its segments: what is kept, what is dropped, and the rule behind each."""

from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import Request, urlopen

from selectolax.lexbor import LexborHTMLParser

from humpback_exp.analysis.pages.render import render
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import chunks, files, http, pages
from humpback_exp.corpus.decoding import NotAPage, decode
from humpback_exp.corpus.markup import BLOCKS, BREAKS, HEADERS, REMOVED
from humpback_exp.corpus.plain import LINE_BREAK

TIMEOUT = 20
"""Seconds to wait for a page."""
LINES = ", ".join(sorted((BLOCKS | BREAKS | HEADERS | {"br"}) - {"body"}))
"""Elements that begin and end a line."""


@dataclass
class Row:
    """A header of the page and what became of the text below it."""

    path: str
    text: str
    reason: str
    """Empty where it is kept."""


def build(source: str) -> str:
    """The page about the web page `source`, a file or an http(s) address, by the default settings.

    Raises:
        ValueError: it cannot be read, or is no page.
    """
    config = CorpusConfig(path=source)
    page = _read(source, config.max_page_mb << 20)
    found, reasons, why = chunks.judged(page, config, {})
    if why and not found:
        raise ValueError(f"page={source}: no segment to show ({why}); name a file or address of HTML with headers")
    rows = [
        Row(" > ".join(section.heading_path) or "(empty header)", section.text, reason or "")
        for section, reason in zip(found, reasons, strict=True)
    ]
    return render(
        "page_and_segments", source=source, rows=rows, kept=sum(not row.reason for row in rows), text=_text(page)
    )


def _read(source: str, limit: int) -> pages.Page:
    if not source.startswith(("http://", "https://")):
        page = pages.read_file(files.at(source), limit)
    else:
        try:
            with urlopen(Request(source, headers={"User-Agent": "humpback-exp"}), timeout=TIMEOUT) as answer:
                found = http.page(answer.read(limit + 1), answer.headers.get("Content-Type", ""), "", limit)
        except (HTTPException, OSError, ValueError) as error:
            raise ValueError(f"page={source}: cannot be fetched ({error}); save it and name the file") from error
        page = pages.Page(source, found.html, found.charset, found.reason)
    if page.reason:
        raise ValueError(f"page={source}: {page.reason}; name a file or address of HTML")
    return page


def _text(page: pages.Page) -> str:
    """All text of the page, a line for each block and each line of code."""
    try:
        tree = LexborHTMLParser(decode(page.html, page.charset))
    except NotAPage:
        return ""
    tree.strip_tags(REMOVED)
    for code in tree.css("pre"):
        code.replace_with(code.text().replace("\n", LINE_BREAK))
    for block in tree.css(LINES):
        block.insert_before(LINE_BREAK)
        block.insert_after(LINE_BREAK)
    lines = (" ".join(line.split()) for line in (tree.body.text() if tree.body else "").split(LINE_BREAK))
    return "\n".join(line for line in lines if line)
