"""Lines and headers that a page repeats around its text: shares, bylines, advertisements, comments, pointers elsewhere.

Called by segments, between the blocks and the sections.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.boxes import without_boxes
from humpback_exp.corpus.lines import BULLET, LIST_LINK_SHARE, is_label, is_tail

MIN_CONTENTS = 3
"""Links of a list to headers of its page that make it a table of contents."""


def without_boilerplate(blocks: list[Block], stop_headers: Sequence[str]) -> list[Block]:
    """The blocks less lines and boxes that are no part of a text; a header that falls is left as `lost`."""
    cut = without_boxes([block for block in _without_contents(blocks) if not is_label(block)], stop_headers)
    return _without_tails(cut)


def _without_contents(blocks: list[Block]) -> list[Block]:
    """Blocks less lists that name headers of the page and nothing else."""
    headers = {block.text for block in blocks if block.kind == "header"}
    kept: list[Block] = []
    for is_item, run in groupby(blocks, lambda block: block.kind == "item"):
        items = list(run)
        leads = is_item and len(items) >= MIN_CONTENTS and all(_leads_to(headers, item) for item in items)
        if not leads or (_is_announced(kept, len(kept)) and not is_label(kept[-1])):
            kept += items
    return kept


def _leads_to(headers: set[str], item: Block) -> bool:
    text = BULLET.sub("", item.text, count=1)
    return text in headers and item.link_chars >= LIST_LINK_SHARE * len(text)


def _without_tails(blocks: list[Block]) -> list[Block]:
    """Blocks less the lines before each header, and at the end, that only lead elsewhere or close the page."""
    kept: list[Block] = []
    at_end, after = True, ""
    position = len(blocks)
    while position:
        position -= 1
        block = blocks[position]
        if block.kind in ("header", "end", "lost"):
            kept.append(block)
            at_end = at_end or block.kind != "lost"
        elif at_end and block.kind in ("item", "row"):
            start = position
            while start and blocks[start - 1].kind == block.kind:
                start -= 1
            run = blocks[start : position + 1]
            if _is_announced(blocks, start) or not all(is_tail(other) for other in run):
                kept += reversed(run)
                at_end = False
            position = start
        elif at_end and (is_tail(block) or (block.kind == "term" and after == "meaning")):
            after = block.kind
        elif not at_end or (text := _without_last_lines(block)):
            kept.append(replace(block, text=text) if at_end else block)
            at_end, after = False, ""
    return kept[::-1]


def _without_last_lines(block: Block) -> str:
    """The text of a block; of a paragraph in lines without the last ones that close the page."""
    if block.kind != "text" or "\n" not in block.text:
        return block.text
    lines = block.text.split("\n")
    while lines and any(closes(Block("text", lines[-1])) for closes in (is_label, is_tail)):
        lines.pop()
    return "\n".join(lines)


def _is_announced(blocks: list[Block], start: int) -> bool:
    """Whether the sentence before a list needs it: `these routines return text:`, but not `See also:`."""
    before = blocks[start - 1] if start else None
    return before is not None and before.kind == "text" and before.text.endswith(":") and not is_tail(before)
