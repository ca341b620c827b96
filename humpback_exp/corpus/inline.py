"""Elements inside a line that mean more than their text: links, breaks, images, formulas, raised and lowered text, quotes.

Called by flatten.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from humpback_exp.corpus import markup, plain
from humpback_exp.corpus.furniture import is_note_mark
from humpback_exp.corpus.writer import Attributes, Writer

PERMALINKS = frozenset("¶#§🔗⚓∞◆↑⇧⬆")
PERMALINK_WORDS = frozenset(("link", "permalink", "anchor", "copy link", "direct link", "top", "back to top", "edit"))
"""What such links are called in headers."""
COMMAND = re.compile(
    r"(?:copy|edit|share|expand|collapse|toggle|show|hide|menu|close|more|link|play|listen)\b.{0,40}", re.I
)
"""What buttons beside a header's words are for."""


def read(node: LexborNode, tag: str, attributes: Attributes, writer: Writer) -> Iterator[LexborNode] | None:
    """Write what an element says beside its text; the nodes to go on with, None where all is said."""
    line = writer.line
    if tag == "a":
        return _link(node, attributes, writer)
    if tag == "br":
        line.append("\n" if writer.pre else plain.LINE_BREAK)
    elif tag == "img":
        alt = attributes.get("alt") or ""
        writer.alt = writer.alt or alt
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


def close(tag: str, writer: Writer) -> None:
    """The end of an element whose nodes were gone on with."""
    if tag == "a":
        writer.in_link = False
    elif tag == "q":
        writer.line.append("”")


def _link(node: LexborNode, attributes: Attributes, writer: Writer) -> Iterator[LexborNode] | None:
    child = node.first_child
    only = child.text_content if child is not None and child.next is None else None
    text = node.text() if only is None else only
    marks = text.strip().rstrip("\ufe0e\ufe0f")
    if marks in PERMALINKS:
        return None
    if is_note_mark(marks, attributes) or (writer.header and _is_permalink(node, marks, attributes, writer)):
        writer.line.append(plain.NOTE_GONE)
        return None
    if only is None:
        writer.in_link = "href" in attributes
        return node.iter(include_text=True)
    if marks or writer.line or writer.pre:
        writer.line.append(only)
        writer.link_chars += len(marks) if "href" in attributes else 0
    writer.in_link = False
    return None


def _is_permalink(node: LexborNode, text: str, attributes: Attributes, writer: Writer) -> bool:
    """Whether a link beside a header's words leads to the header itself, or to its editor."""
    if text.lower() not in PERMALINK_WORDS:
        return False
    before = any(piece.strip() for piece in writer.line)
    if before and _words_follow(node):
        return False
    beside = before or node.next is not None
    return beside and ((attributes.get("href") or "").startswith("#") or text.lower() == "edit")


def _words_follow(node: LexborNode) -> bool:
    """Whether text follows beside an element, in whose midst it is a word like the others."""
    after = node.next
    while after is not None:
        if after.tag_id == markup.TEXT_NODE and any(map(str.isalnum, after.text_content or "")):
            return True
        after = after.next
    return False


def is_command(button: LexborNode) -> bool:
    """Whether a button in a header does something with it; else it is the header itself, which opens a panel."""
    header = button.parent
    while header is not None and header.tag not in markup.HEADERS and header.attributes.get("role") != "heading":
        header = header.parent
    if header is None:
        return False
    own, whole = (sum(map(str.isalpha, node.text())) for node in (button, header))
    return whole - own >= max(own, 1) or (whole > own and COMMAND.fullmatch(button.text().strip()) is not None)
