"""What is open while a page is read: lists, tables, code, a header, a line; and the blocks made of it.

Called by flatten, which tells where elements begin and end.
"""

import re

from selectolax.lexbor import LexborNode

from humpback_exp.corpus import plain
from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.tables import Rows, places_text

PERMALINK_END = re.compile(
    r"\s*[¶🔗↑]+$|\s+[#§]$|\s*\[\s*(?:edit(?: source)?(?:\s*\|\s*edit source)?|source|src|link|top|hide|show|[-+−])\s*\]$"
    r"|\s*\((?:edit|permalink|link)\)$",
    re.I,
)
PERMALINK_MARKS = ("¶", "🔗", "↑", "#", "§", "]", ")")
NUMBER = re.compile(r"-?\d{1,9}")
Attributes = dict[str, str | None]


class Writer:
    """Turns the lines of a page into its blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.line: list[str] = []
        self.lists: list[int | None] = []
        self.articles: list[int] = []
        self.tables: list[Rows | None] = []
        self.values: Rows | None = None
        self.header: tuple[int, int] | None = None
        self.alt = ""
        self.kind, self.bullet = "text", ""
        self.link_chars = self.pre = 0
        self.in_link = False

    def end_line(self) -> None:
        """End the line, or what stands for that inside a header, code or a cell."""
        if self.header or (self.values and not self.pre):
            self.line.append(" ")
        elif not self.pre:
            self.flush()
        elif self.line and not plain.last_text(self.line).endswith("\n"):
            self.line.append("\n")

    def open_header(self, tag: str, attributes: Attributes, offset: int) -> None:
        """A header begins, by its tag or its role; its level without a number is 2."""
        self.flush()
        level = attributes.get("aria-level") or "" if attributes.get("role") == "heading" else ""
        number = tag[1] if not level and tag[:1] == "h" and tag[1:].isdigit() else level
        self.header = (min(6, max(1, int(number))) if NUMBER.fullmatch(number) else 2, offset)

    def close_header(self) -> None:
        """A header ends."""
        self.flush()
        self.header = None

    def open_block(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        """A list, table, item, cell, preformatted text or article begins."""
        if self.header or (self.pre and tag != "pre"):
            self.end_line()
        elif self.values and tag not in ("table", "caption"):
            self.line.append(" ")
            if tag in ("td", "th"):
                self.line.clear()
                self.values.open(attributes)
        else:
            self.flush()
            self._enter(node, tag, attributes)

    def close_block(self, tag: str) -> None:
        """And ends."""
        if self.header or (self.pre and tag != "pre"):
            self.end_line()
        elif self.values and tag not in ("table", "caption"):
            self._close_value(self.values, tag)
        else:
            self.flush()
            self._leave(tag)

    def flush(self) -> None:
        """Make a block of the line."""
        if self.header:
            text = plain.one_line("".join(self.line))
            self.line.clear()
            text = (PERMALINK_END.sub("", text) if text.endswith(PERMALINK_MARKS) else text) or plain.one_line(self.alt)
            self.blocks.append(Block("header", text, self.link_chars, *self.header))
            self.bullet, self.link_chars = "", 0
        elif self.line:
            text = "".join(self.line)
            self.line.clear()
            self.alt = ""
            text = plain.code(text) if self.pre else plain.paragraph(text)
            if text and not text.isspace():
                kind = "item" if self.bullet else "code" if self.pre else self.kind
                text = self.bullet + text
                self.blocks.append(Block(kind, text, min(self.link_chars, len(text))))
                self.bullet = ""
            self.link_chars = 0

    def _enter(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        if tag == "li":
            self.bullet = self._next_bullet(attributes.get("value") or "")
        elif tag in ("dt", "dd"):
            self.kind = "term" if tag == "dt" else "meaning"
        elif tag == "ol":
            start = attributes.get("start") or ""
            self.lists.append(int(start) if NUMBER.fullmatch(start) else 1)
        elif tag in ("ul", "menu"):
            self.lists.append(None)
        elif tag == "pre":
            self.pre += 1
        elif tag == "table":
            self.values = None if places_text(node) else Rows()
            self.tables.append(self.values)
        elif tag in ("article", "main"):
            self.articles.append(len(self.blocks))

    def _leave(self, tag: str) -> None:
        if tag in ("li", "dt", "dd"):
            self.kind, self.bullet = "text", ""
        elif tag in ("ol", "ul", "menu") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)
        elif tag == "table" and self.tables:
            if values := self.tables.pop():
                self.blocks += values.blocks()
            self.values = self.tables[-1] if self.tables else None
        elif tag in ("article", "main") and self.articles:
            self.blocks.append(Block("end", "", level=self.articles.pop()))

    def _close_value(self, values: Rows, tag: str) -> None:
        if tag in ("td", "th"):
            values.close(plain.one_line("".join(self.line)))
            self.line.clear()
        elif tag == "tr":
            values.end_row(self.link_chars)
            self.link_chars = 0
        else:
            self.line.append(" ")

    def _next_bullet(self, value: str) -> str:
        number = self.lists[-1] if self.lists else None
        indent = "  " * (len(self.lists) - 1)
        if number is None:
            return f"{indent}- "
        if NUMBER.fullmatch(value):
            number = int(value)
        self.lists[-1] = number + 1
        return f"{indent}{number}. "
