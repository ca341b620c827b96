"""A page's tree -> blocks of plain text in reading order: paragraphs, list items, table rows, headers.

One pass over Lexbor's nodes; what is open is kept on a stack of our own, so depth costs nothing. Called by segments.
"""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from humpback_exp import reasons
from humpback_exp.corpus import inline, markup, plain
from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.decoding import MARK
from humpback_exp.corpus.furniture import TELLING, Furniture, says_nothing
from humpback_exp.corpus.writer import Attributes, Writer


def flatten(text: str) -> list[Block]:
    """The blocks of a page as `decode` returns it."""
    tree = LexborHTMLParser(text)
    if "math/tex" in text:
        for script in tree.css("script[type^='math/tex']"):
            script.replace_with(script.text())
    for node in tree.css(", ".join(markup.REMOVED)):
        node.decompose()
    return _Reader(tree.body).read() if tree.body is not None else []


class _Reader:
    """Goes over the nodes once and tells the writer what begins and ends."""

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self.furniture = Furniture(body)
        self.writer = Writer()

    def read(self) -> list[Block]:
        """All blocks, in order."""
        writer, kinds = self.writer, markup.tag_kinds()
        line, blocks, text_node = writer.line, writer.blocks, markup.TEXT_NODE
        nodes, kind, tag, start = self.body.iter(include_text=True), markup.OTHER, "", 0
        above: list[tuple[Iterator[LexborNode], int, str, int]] = []
        while True:
            for node in nodes:
                number = node.tag_id
                if number == text_node:
                    text = node.text_content
                    if text and (line or writer.pre or not text.isspace()):
                        line.append(text)
                        if writer.in_link:
                            writer.link_chars += len(text.strip())
                    continue
                inner, name = kinds[number] if number < markup.CUSTOM else (_custom(node), "")
                if inner == markup.SKIP:
                    continue
                attributes = node.attributes
                if name in markup.TAGS or (attributes and not TELLING.isdisjoint(attributes)):
                    inner = self._weighed(node, inner, name, attributes)
                if inner > markup.BREAK:
                    inside = self._open(node, inner, name, attributes)
                    if inside is None:
                        continue
                else:
                    if inner and line:
                        writer.end_line()
                    inside = node.iter(include_text=True)
                above.append((nodes, kind, tag, start))
                nodes, kind, tag, start = inside, inner, name, len(blocks)
                break
            else:
                if kind:
                    self._close(kind, tag, start)
                if not above:
                    break
                nodes, kind, tag, start = above.pop()
        writer.flush()
        for order, block in enumerate(blocks):
            block.order = order
        return blocks

    def _weighed(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> int:
        """What an element is by its attributes, too: furniture, a header by its role, a block by its style."""
        if (tag not in markup.TAGS and says_nothing(attributes)) or (tag == "button" and self.writer.header):
            return kind
        if tag == "img":
            return kind
        reason = self.furniture.reason(node, tag, attributes)
        if reason:
            self.writer.line.append("" if self.writer.pre else " ")
            if self.furniture.title(node):
                return markup.TITLE
            self.writer.blocks += [_lost(header, reason) for header in node.css(f"[{MARK}]")]
            return markup.SKIP
        if attributes.get("role") == "heading" and MARK in attributes:
            return markup.HEADER
        style = attributes.get("style")
        if kind == markup.OTHER and style and markup.BLOCK_STYLE.search(style):
            return markup.BREAK
        return kind

    def _open(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> Iterator[LexborNode] | None:
        """Begin an element; the nodes to go on with, None to leave it at that."""
        if kind == markup.INLINE:
            return inline.read(node, tag, attributes, self.writer)
        if kind == markup.BLOCK:
            self.writer.open_block(node, tag, attributes)
        elif kind == markup.HEADER and not self.writer.header:
            self.writer.open_header(tag, attributes, _offset(attributes))
        elif kind == markup.TITLE:
            title = self.furniture.title(node)
            return iter([title] if title else [])
        elif kind == markup.SKIP:
            return None
        return node.iter(include_text=True)

    def _close(self, kind: int, tag: str, start: int) -> None:
        """End an element that is more than a part of the line."""
        writer, blocks = self.writer, self.writer.blocks
        if kind == markup.INLINE:
            inline.close(tag, writer)
        elif kind == markup.HEADER:
            writer.close_header()
        elif kind in (markup.BREAK, markup.BLOCK):
            if kind == markup.BLOCK:
                writer.close_block(tag)
            elif writer.line:
                writer.end_line()
            if start < len(blocks) and blocks[start].kind == "header":
                blocks[start].end = len(blocks)


def _lost(header: LexborNode, reason: str) -> Block:
    text = plain.one_line(header.text())
    return Block("lost", text, offset=_offset(header.attributes), reason=reasons.FURNITURE + reason)


def _offset(attributes: Attributes) -> int:
    number = attributes.get(MARK) or ""
    return int(number) if number.isdigit() else 0


def _custom(node: LexborNode) -> int:
    """A custom element is a block where no text stands beside it, else a part of the line."""
    beside = [other for other in (node.prev, node.next) if other is not None and other.tag_id == markup.TEXT_NODE]
    return markup.OTHER if any((other.text_content or "").strip() for other in beside) else markup.BREAK
