"""A page's tree -> blocks of plain text in reading order: paragraphs, list items, table rows, headers.

One pass over Lexbor's nodes; what is open is kept on a stack of our own, so depth costs nothing. Called by segments.
"""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from humpback_exp import reasons
from humpback_exp.corpus import inline, markup, plain
from humpback_exp.corpus.answers import MEANINGS
from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.decoding import MARK
from humpback_exp.corpus.furniture import TELLING, Furniture, says_nothing
from humpback_exp.corpus.markup import BLOCK, BREAK, HEADER, INLINE, OTHER, SKIP, TITLE
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
        writer, kinds, text_node, custom = self.writer, markup.tag_kinds(), markup.TEXT_NODE, markup.CUSTOM
        line, blocks = writer.line, writer.blocks
        nodes, kind, tag, start = self.body.iter(include_text=True), OTHER, "", 0
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
                inner, name, tells = kinds[number] if number < custom else _custom(node)
                if inner == SKIP:
                    continue
                attributes = node.attributes
                if tells or (attributes and not TELLING.isdisjoint(attributes) and not says_nothing(attributes)):
                    inner = self._weighed(node, inner, name, attributes)
                if inner > BREAK:
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
                if kind > BREAK:
                    self._close(kind, tag)
                elif kind and line:
                    writer.end_line()
                if OTHER < kind <= BLOCK and start < len(blocks) and blocks[start].kind == "header":
                    blocks[start].end = len(blocks)
                if not above:
                    break
                nodes, kind, tag, start = above.pop()
        writer.flush()
        for order, block in enumerate(blocks):
            block.order = order
        return blocks

    def _weighed(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> int:
        """What an element is by its attributes, too: furniture, a header by its role, a block by its style."""
        if tag == "img":
            return kind
        if tag == "button" and self.writer.header:
            return SKIP if inline.is_command(node) else kind
        reason = self.furniture.reason(node, tag, attributes)
        if reason:
            self.writer.line.append("" if self.writer.pre else " ")
            if self.furniture.title(node):
                return TITLE
            if MARK in attributes or _holds_elements(node):
                self.writer.blocks += [_lost(header, reason) for header in node.css(f"[{MARK}]")]
            return SKIP
        if attributes.get("role") == "heading" and MARK in attributes:
            return HEADER
        style = attributes.get("style")
        if kind == OTHER and style and markup.BLOCK_STYLE.search(style):
            return BREAK
        return kind

    def _open(self, node: LexborNode, kind: int, tag: str, attributes: Attributes) -> Iterator[LexborNode] | None:
        """Begin an element; the nodes to go on with, None to leave it at that."""
        if kind == INLINE:
            return inline.read(node, tag, attributes, self.writer)
        if kind == BLOCK:
            self.writer.open_block(node, tag, attributes)
        elif kind == HEADER and not self.writer.header:
            self.writer.open_header(tag, attributes, _offset(attributes))
        elif kind == TITLE:
            title = self.furniture.title(node)
            return iter([title] if title else [])
        elif kind == SKIP:
            return None
        return node.iter(include_text=True)

    def _close(self, kind: int, tag: str) -> None:
        """End a block, a header, or an element inside a line that means more than its text."""
        if kind == BLOCK:
            self.writer.close_block(tag)
        elif kind == INLINE:
            inline.close(tag, self.writer)
        elif kind == HEADER:
            self.writer.close_header()


def _lost(header: LexborNode, reason: str) -> Block:
    text = plain.one_line(header.text())
    return Block("lost", text, offset=_offset(header.attributes), reason=reasons.FURNITURE + reason)


def _offset(attributes: Attributes) -> int:
    number = attributes.get(MARK) or ""
    return int(number) if number.isdigit() else 0


def _custom(node: LexborNode) -> tuple[int, str, bool]:
    """A custom element is a block where no text stands beside it, else a part of the line; its name may tell more."""
    beside = [other for other in (node.prev, node.next) if other is not None and other.tag_id == markup.TEXT_NODE]
    name = node.tag or ""
    kind = OTHER if any((other.text_content or "").strip() for other in beside) else BREAK
    return kind, name, "-" in name and MEANINGS[name] is not None


def _holds_elements(node: LexborNode) -> bool:
    """Whether an element may hold another; the quick answer, since many pieces of furniture are a word or an icon."""
    child = node.first_child
    return child is not None and (child.next is not None or child.tag_id != markup.TEXT_NODE)
