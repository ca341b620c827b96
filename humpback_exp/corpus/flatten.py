"""A page's tags and texts -> blocks of plain text in reading order: paragraphs, list items, table rows, headers.

Called by segments.
"""

import re
from dataclasses import dataclass

from humpback_exp.corpus import markup

LINE_BREAK = "\x01"
AROUND_BREAK = re.compile(rf" ?{LINE_BREAK} ?")
PAGE_DATE = re.compile(r"(?:this )?page (?:was )?last (?:modified|updated|edited)\b.{0,150}$", re.I)
PERMALINK_END = re.compile(r"\s*[¶🔗]+$|\s+[#§]$|\s*\[edit\]$")
TIGHT = {("item", "item"), ("row", "row"), ("term", "term"), ("term", "meaning")}
"""Kinds of neighbours with no blank line between."""


@dataclass(slots=True)
class Block:
    """Some text of its own on the page."""

    kind: str
    """text, item, row, term, meaning, header; or end, where an article or main ends."""
    text: str
    link_chars: int = 0
    """Characters of the text that stand in links."""
    level: int = 0
    """1 to 6 of a header; of an end, the number of blocks before its start."""
    offset: int = 0
    """Of a header: where its tag stands in the page's bytes."""


def flatten(text: str) -> list[Block]:
    """The blocks of a page as `decode` returns it."""
    return _Reader(markup.parts(text)).read()


def join(blocks: list[Block]) -> str:
    """Blocks as one text: a blank line between, none inside lists and tables."""
    pieces: list[str] = []
    before = ""
    for block in blocks:
        if block.text:
            pieces += ["\n" if (before, block.kind) in TIGHT else "\n\n", block.text]
            before = block.kind
    return "".join(pieces[1:])


class _Reader:
    """Goes over the tags once and keeps what is open."""

    def __init__(self, parts: list[str]) -> None:
        self.parts = parts
        self.layout = markup.layout_tables(parts)
        self.blocks: list[Block] = []
        self.line: list[str] = []
        self.cells: list[str] = []
        self.lists: list[int | None] = []
        self.articles: list[int] = []
        self.header: tuple[int, int] | None = None
        self.kind, self.bullet = "text", ""
        self.link_chars, self.pre = 0, 0
        self.in_link = self.in_values = False

    def read(self) -> list[Block]:
        """All blocks, in order."""
        parts, line, blocks, left_out = self.parts, self.line, markup.BLOCKS, markup.left_out
        position = 1
        while position < len(parts):
            closing, tag, attributes, text = parts[position : position + 4]
            if not closing and (attributes or tag in markup.SKIPPED) and left_out(tag, attributes):
                position = markup.end_of(parts, position)
                line.append(" ")
                text = parts[position + 3]
            elif tag == "a":
                self.in_link = not closing and "href=" in attributes
            elif tag in blocks:
                self._block(closing, tag, attributes, position)
            elif tag in markup.HEADERS:
                self._header(closing, tag, attributes)
            elif tag == "br":
                line.append("\n" if self.pre else LINE_BREAK)
            if text and (line or self.pre or not text.isspace()):
                line.append(text)
                if self.in_link:
                    self.link_chars += len(text.strip())
            position += 4
        self._flush()
        return self.blocks

    def _header(self, closing: str, tag: str, attributes: str) -> None:
        self._flush()
        offset = markup.OFFSET.search(attributes)
        self.header = (int(tag[1]), int(offset[1])) if offset and not closing else None

    def _block(self, closing: str, tag: str, attributes: str, position: int) -> None:
        if self.header:
            self.line.append(" ")
        elif self.in_values and tag not in ("table", "caption"):
            self._value(closing, tag)
        elif closing:
            self._flush()
            self._close(tag)
        else:
            self._flush()
            self._open(tag, attributes, position)

    def _open(self, tag: str, attributes: str, position: int) -> None:
        if tag == "li":
            self.bullet = self._next_bullet()
        elif tag in ("dt", "dd"):
            self.kind = "term" if tag == "dt" else "meaning"
        elif tag == "ol":
            start = markup.START.search(attributes)
            self.lists.append(int(start[1]) if start else 1)
        elif tag in ("ul", "menu"):
            self.lists.append(None)
        elif tag == "pre":
            self.pre += 1
        elif tag == "table":
            self.in_values = position not in self.layout
        elif tag in ("article", "main"):
            self.articles.append(len(self.blocks))

    def _close(self, tag: str) -> None:
        if tag in ("li", "dt", "dd"):
            self.kind, self.bullet = "text", ""
        elif tag in ("ol", "ul", "menu") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.pre -= 1
        elif tag == "table":
            self.in_values = False
        elif tag in ("article", "main") and self.articles:
            self.blocks.append(Block("end", "", level=self.articles.pop()))

    def _next_bullet(self) -> str:
        number = self.lists[-1] if self.lists else None
        indent = "  " * (len(self.lists) - 1)
        if number is None:
            return f"{indent}- "
        self.lists[-1] = number + 1
        return f"{indent}{number}. "

    def _value(self, closing: str, tag: str) -> None:
        """Cells of a table of values: gathered until their row ends."""
        if tag == "tr":
            row = " | ".join(cell for cell in self.cells if cell)
            self.cells.clear()
            self._add("row", row)
        elif tag in ("td", "th") and closing:
            self.cells.append(_one_line("".join(self.line)))
            self.line.clear()
        else:
            self.line.append(" ")

    def _flush(self) -> None:
        if not (self.line or self.header):
            return
        text = "".join(self.line)
        self.line.clear()
        if self.header:
            text = PERMALINK_END.sub("", _one_line(text))
            self.blocks.append(Block("header", text, self.link_chars, *self.header))
            self.bullet, self.link_chars = "", 0
            return
        text = _entities(text).strip("\n").rstrip() if self.pre else _paragraph(text)
        kind, bullet = ("item", self.bullet) if self.bullet else (self.kind, "")
        if text.strip() and not PAGE_DATE.match(text):
            self.bullet = ""
            self._add(kind, bullet + text)
        self.link_chars = 0

    def _add(self, kind: str, text: str) -> None:
        if text:
            self.blocks.append(Block(kind, text, min(self.link_chars, len(text))))
            self.link_chars = 0


def _entities(text: str) -> str:
    """The only four that the parser leaves in text."""
    if "&" in text:
        text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text


def _paragraph(text: str) -> str:
    text = " ".join(_entities(text).split())
    return AROUND_BREAK.sub("\n", text).strip() if LINE_BREAK in text else text


def _one_line(text: str) -> str:
    return " ".join(_entities(text).replace(LINE_BREAK, " ").split())
