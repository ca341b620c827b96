"""A page's tree -> blocks of plain text in reading order: paragraphs, list items, table rows, headers.

One pass over Lexbor's nodes; what is open is kept on a stack of our own, so depth costs nothing. Called by segments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from humpback_exp import reasons
from humpback_exp.corpus import markup, plain
from humpback_exp.corpus.decoding import MARK
from humpback_exp.corpus.furniture import TELLING, Furniture, is_note_mark, says_nothing
from humpback_exp.corpus.tables import Rows, places_text

PERMALINK_END = re.compile(r"\s*[¶🔗]+$|\s+[#§]$|\s*\[\s*edit(?: source)?\s*(?:\|\s*edit source\s*)?\]$")
PERMALINKS = frozenset("¶#§🔗⚓∞◆")
NUMBER = re.compile(r"-?\d{1,9}")
TIGHT = {("item", "item"), ("row", "row"), ("term", "term"), ("term", "meaning")}
"""Kinds of neighbours with no blank line between."""
Attributes = dict[str, str | None]


@dataclass(slots=True)
class Block:
    """Some text of its own on the page."""

    kind: str
    """text, item, row, term, meaning, code, header; end, where an article or main ends; lost, a header in furniture."""
    text: str
    link_chars: int = 0
    """Characters of the text that stand in links."""
    level: int = 0
    """1 to 6 of a header; of an end, the number of blocks before its start."""
    offset: int = 0
    """Of a header: where its tag stands in the page's bytes."""
    order: int = 0
    """Its place among the blocks of the page as it was read, to which `level` of an end and `end` refer."""
    end: int = 0
    """Of a header: the number of blocks when the outermost element ended that begins with it; 0 for the header alone."""
    reason: str = ""
    """Of a lost header: why."""
    body: str = ""
    """Of a lost header: the text that fell with it."""


def flatten(text: str) -> list[Block]:
    """The blocks of a page as `decode` returns it."""
    tree = LexborHTMLParser(text)
    if "math/tex" in text:
        for script in tree.css("script[type^='math/tex']"):
            script.replace_with(script.text())
    tree.strip_tags(markup.REMOVED)
    return _Reader(tree.body).read() if tree.body is not None else []


def join(blocks: list[Block]) -> str:
    """Blocks as one text: a blank line between, none inside lists and tables."""
    pieces: list[str] = []
    before = ""
    for block in blocks:
        if block.text and block.kind != "lost":
            pieces += ["\n" if (before, block.kind) in TIGHT else "\n\n", block.text]
            before = block.kind
    return "".join(pieces[1:])


class _Reader:
    """Goes over the nodes once and keeps what is open."""

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self.furniture = Furniture(body)
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

    def read(self) -> list[Block]:
        """All blocks, in order."""
        line, blocks, (kinds, names) = self.line, self.blocks, markup.tag_kinds()
        nodes, kind, tag, start = self.body.iter(include_text=True), markup.OTHER, "", 0
        above: list[tuple[Iterator[LexborNode], int, str, int]] = []
        while True:
            for node in nodes:
                number = node.tag_id
                if number == markup.TEXT_NODE:
                    text = node.text_content
                    if text and (line or self.pre or not text.isspace()):
                        line.append(text)
                        if self.in_link:
                            self.link_chars += len(text.strip())
                    continue
                inner, name = (kinds[number], names[number]) if number < markup.CUSTOM else (_custom(node), "")
                if inner == markup.SKIP:
                    continue
                attributes = node.attributes
                if name in markup.TAGS or not TELLING.isdisjoint(attributes):
                    inner = self._weighed(node, inner, name, attributes)
                if inner > markup.BREAK:
                    inside = self._open(node, inner, name, attributes)
                    if inside is None:
                        continue
                else:
                    if inner and line:
                        self._break()
                    inside = node.iter(include_text=True)
                above.append((nodes, kind, tag, start))
                nodes, kind, tag, start = inside, inner, name, len(blocks)
                break
            else:
                if kind == markup.BREAK and line:
                    self._break()
                elif kind > markup.BREAK:
                    self._close(kind, tag)
                if kind in (markup.BREAK, markup.BLOCK) and start < len(blocks) and blocks[start].kind == "header":
                    blocks[start].end = len(blocks)
                if not above:
                    break
                nodes, kind, tag, start = above.pop()
        self._flush()
        for order, block in enumerate(self.blocks):
            block.order = order
        return self.blocks

    def _weighed(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> int:
        """What an element is by its attributes, too: furniture, a header by its role, a block by its style."""
        if (tag == "button" and self.header) or tag == "img" or (tag not in markup.TAGS and says_nothing(attributes)):
            return kind
        reason = self.furniture.reason(node, tag, attributes)
        if reason:
            self.line.append("" if self.pre else " ")
            if self.furniture.title(node):
                return markup.TITLE
            self.blocks += [
                Block(
                    "lost",
                    plain.one_line(header.text()),
                    offset=_offset(header.attributes),
                    reason=reasons.FURNITURE + reason,
                )
                for header in node.css(f"[{MARK}]")
            ]
            return markup.SKIP
        if attributes.get("role") == "heading" and MARK in attributes:
            return markup.HEADER
        style = attributes.get("style")
        if kind == markup.OTHER and style and markup.BLOCK_STYLE.search(style):
            return markup.BREAK
        return kind

    def _open(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> Iterator[LexborNode] | None:
        """Begin an element; the nodes to go on with, None to leave it at that."""
        if kind == markup.BLOCK:
            self._open_block(node, tag, attributes)
        elif kind == markup.HEADER and not self.header:
            self._flush()
            level = attributes.get("aria-level") or "" if attributes.get("role") == "heading" else ""
            number = tag[1] if not level and tag[:1] == "h" and tag[1:].isdigit() else level
            self.header = (min(6, max(1, int(number))) if NUMBER.fullmatch(number) else 2, _offset(attributes))
        elif kind == markup.INLINE:
            return self._inline(node, tag, attributes)
        elif kind == markup.TITLE:
            title = self.furniture.title(node)
            return iter([title] if title else [])
        elif kind == markup.SKIP:
            return None
        return node.iter(include_text=True)

    def _inline(self, node: LexborNode, tag: str, attributes: Attributes) -> Iterator[LexborNode] | None:
        """An element inside a line that is more than its text."""
        line = self.line
        if tag == "br":
            line.append("\n" if self.pre else plain.LINE_BREAK)
        elif tag == "a":
            text = node.text().strip()
            if text in PERMALINKS or is_note_mark(text, attributes):
                return None
            self.in_link = "href" in attributes
            return node.iter(include_text=True)
        elif tag == "img":
            alt = attributes.get("alt") or ""
            self.alt = self.alt or alt
            if markup.FORMULA.search(attributes.get("class") or ""):
                line.append(plain.tex(alt))
        elif tag == "math":
            line.append(plain.formula(node))
        elif tag == "sup":
            line.append(plain.raised(node, plain.last_text(line)))
        elif tag == "sub":
            line.append(plain.lowered(node, plain.last_text(line)))
        elif tag == "rt":
            line.append(f"({node.text().strip()})")
        elif tag == "q":
            line.append("“")
            return node.iter(include_text=True)
        elif tag != "del":
            return node.iter(include_text=True)
        return None

    def _break(self) -> None:
        """End the line, or what stands for that inside a header, code or a cell."""
        if self.header or (self.values and not self.pre):
            self.line.append(" ")
        elif self.pre:
            self._new_code_line()
        else:
            self._flush()

    def _open_block(self, node: LexborNode, tag: str, attributes: Attributes) -> None:
        if self.header or (self.pre and tag != "pre"):
            self._break()
        elif self.values and tag not in ("table", "caption"):
            self.line.append(" ")
            if tag in ("td", "th"):
                self.line.clear()
                self.values.open(attributes)
        else:
            self._flush()
            self._enter(node, tag, attributes)

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

    def _close(self, kind: int, tag: str) -> None:
        """End an element that does more than break the line."""
        if kind == markup.BLOCK:
            self._close_block(tag)
        elif kind == markup.HEADER:
            self._flush()
            self.header = None
        elif tag == "a":
            self.in_link = False
        elif tag == "q":
            self.line.append("”")

    def _close_block(self, tag: str) -> None:
        if self.header or (self.pre and tag != "pre"):
            self._break()
        elif self.values and tag not in ("table", "caption"):
            self._close_value(self.values, tag)
        else:
            self._flush()
            self._leave(tag)

    def _close_value(self, values: Rows, tag: str) -> None:
        if tag in ("td", "th"):
            values.close(plain.one_line("".join(self.line)))
            self.line.clear()
        elif tag == "tr":
            values.end_row(self.link_chars)
            self.link_chars = 0
        else:
            self.line.append(" ")

    def _leave(self, tag: str) -> None:
        if tag in ("li", "dt", "dd"):
            self.kind, self.bullet = "text", ""
        elif tag in ("ol", "ul", "menu") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)
        elif tag == "table" and self.tables:
            if values := self.tables.pop():
                self._add_rows(values)
            self.values = self.tables[-1] if self.tables else None
        elif tag in ("article", "main") and self.articles:
            self.blocks.append(Block("end", "", level=self.articles.pop()))

    def _add_rows(self, values: Rows) -> None:
        found = list(values.lines())
        kind = "row" if any(" | " in row for row, _ in found) else "text"
        self.blocks += [Block(kind, row, min(links, len(row))) for row, links in found]

    def _next_bullet(self, value: str) -> str:
        number = self.lists[-1] if self.lists else None
        indent = "  " * (len(self.lists) - 1)
        if number is None:
            return f"{indent}- "
        if NUMBER.fullmatch(value):
            number = int(value)
        self.lists[-1] = number + 1
        return f"{indent}{number}. "

    def _new_code_line(self) -> None:
        if self.line and not plain.last_text(self.line).endswith("\n"):
            self.line.append("\n")

    def _flush(self) -> None:
        if not (self.line or self.header):
            return
        text = "".join(self.line)
        self.line.clear()
        if self.header:
            text = PERMALINK_END.sub("", plain.one_line(text)) or plain.one_line(self.alt)
            self.blocks.append(Block("header", text, self.link_chars, *self.header))
            self.bullet, self.link_chars = "", 0
            return
        self.alt = ""
        text = plain.code(text) if self.pre else plain.paragraph(text)
        kind, bullet = ("item", self.bullet) if self.bullet else ("code" if self.pre else self.kind, "")
        if text.strip():
            self.bullet = ""
            self._add(kind, bullet + text)
        self.link_chars = 0

    def _add(self, kind: str, text: str) -> None:
        if text:
            self.blocks.append(Block(kind, text, min(self.link_chars, len(text))))
            self.link_chars = 0


def _offset(attributes: Attributes) -> int:
    number = attributes.get(MARK) or ""
    return int(number) if number.isdigit() else 0


def _custom(node: LexborNode) -> int:
    """A custom element is a block where no text stands beside it, else a part of the line."""
    beside = [other for other in (node.prev, node.next) if other is not None and other.tag_id == markup.TEXT_NODE]
    return markup.OTHER if any((other.text_content or "").strip() for other in beside) else markup.BREAK
