"""The blocks that a page's text is made of: paragraphs, list items, table rows, headers. Called by writer and segments."""

from dataclasses import dataclass

TIGHT = {("item", "item"), ("row", "row"), ("term", "term"), ("term", "meaning")}
"""Kinds of neighbours with no blank line between."""


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


def join(blocks: list[Block]) -> str:
    """Blocks as one text: a blank line between, none inside lists and tables."""
    pieces: list[str] = []
    before = ""
    for block in blocks:
        if block.text and block.kind != "lost":
            pieces += ["\n" if (before, block.kind) in TIGHT else "\n\n", block.text]
            before = block.kind
    return "".join(pieces[1:])
