"""Lines and headers that a page repeats around its text: shares, bylines, advertisements, comments, pointers elsewhere.

Called by segments, between the blocks and the sections.
"""

from collections.abc import Sequence

from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.boxes import without_boxes
from humpback_exp.corpus.lines import is_label, is_tail


def without_boilerplate(blocks: list[Block], stop_headers: Sequence[str]) -> list[Block]:
    """The blocks less lines and boxes that are no part of a text; a header that falls is left as `lost`."""
    cut = without_boxes([block for block in blocks if not is_label(block)], stop_headers)
    return _without_tails(cut)


def _without_tails(blocks: list[Block]) -> list[Block]:
    """Blocks less the lines before each header, and at the end, that only lead elsewhere or close the page."""
    kept: list[Block] = []
    at_end = True
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
        elif not (at_end and is_tail(block)):
            kept.append(block)
            at_end = False
    return kept[::-1]


def _is_announced(blocks: list[Block], start: int) -> bool:
    """Whether the sentence before a list needs it: `these routines return text:`, but not `See also:`."""
    before = blocks[start - 1] if start else None
    return before is not None and before.kind == "text" and before.text.endswith(":") and not is_tail(before)
