"""A page -> its sections: the text below every header, down to the next header of its level (paper section 2).

Sections nest: an h1's text holds its h2s with theirs, and each h2 is a section again. What becomes of a section is
decided by filters and dedup. Called by the segment stage.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from humpback_exp.corpus.decoding import decode
from humpback_exp.corpus.flatten import Block, flatten, join
from humpback_exp.records import DroppedSegment, Segment

POINTER_CHARS = 200
POINTER_LINK_SHARE = 0.4
"""Closing lines as short and as full of links as this lead elsewhere: see also, next page, all releases."""


@dataclass(slots=True)
class Section:
    """A segment to be, with what the filters ask for."""

    url: str
    offset: int
    heading_path: list[str]
    """Headers that are not empty, from the page's outermost down to the section's own."""
    header: str
    text: str
    link_share: float
    """Characters of the text that stand in links."""

    def segment(self) -> Segment:
        """The record of a section that is kept."""
        return Segment(
            id=segment_id(self.url, self.offset),
            url=self.url,
            offset=self.offset,
            heading_path=self.heading_path,
            text=self.text,
        )

    def dropped(self, reason: str) -> DroppedSegment:
        """The record of a section that is not."""
        return dropped_record(self.url, self.offset, self.heading_path, self.text, reason)


def dropped_record(url: str, offset: int, heading_path: list[str], text: str, reason: str) -> DroppedSegment:
    """What is kept of a text that is not."""
    return DroppedSegment(
        url=url, offset=offset, heading_path=heading_path, chars=len(text), reason=reason, excerpt=text[:200]
    )


def segment_id(url: str, offset: int) -> str:
    """Where a text stands is what it is: the same on every machine, in any order."""
    return hashlib.sha256(f"{url}\n{offset}".encode()).hexdigest()[:16]


def sections(url: str, html: bytes, charset: str | None = None) -> Iterator[Section]:
    """The sections of a page in the order of their headers.

    A section ends at the next header of its own or a higher level, or with the article or main element it began in.

    Raises:
        NotAPage: the bytes are empty, binary or undecodable.
    """
    blocks = flatten(decode(html, charset))
    ends = _ends(blocks)
    path: list[int] = []
    for start, end in sorted(ends.items()):
        path = [above for above in path if ends[above] > start] + [start]
        yield _section(url, blocks, path, end)


def _ends(blocks: list[Block]) -> dict[int, int]:
    """Position of every header -> where its section ends."""
    ends: dict[int, int] = {}
    open_headers: list[int] = []
    for position, block in enumerate(blocks):
        if block.kind not in ("header", "end"):
            continue
        if block.kind == "header":
            over = [at for at in open_headers if blocks[at].level >= block.level]
        else:
            over = [at for at in open_headers if at >= block.level]
        ends |= dict.fromkeys(over, position)
        open_headers = [at for at in open_headers if at not in over]
        if block.kind == "header":
            open_headers.append(position)
    return ends | dict.fromkeys(open_headers, len(blocks))


def _section(url: str, blocks: list[Block], path: list[int], end: int) -> Section:
    own = blocks[path[-1]]
    body = _without_pointers(blocks[path[-1] + 1 : end])
    text = join(body)
    return Section(
        url=url,
        offset=own.offset,
        heading_path=[blocks[at].text for at in path if blocks[at].text],
        header=own.text,
        text=text,
        link_share=min(1.0, sum(block.link_chars for block in body) / max(1, len(text))),
    )


def _without_pointers(blocks: list[Block]) -> list[Block]:
    """Blocks without the closing lines that only lead elsewhere."""
    end = len(blocks)
    while end and (blocks[end - 1].kind == "end" or _is_pointer(blocks[end - 1])):
        end -= 1
    return blocks[:end]


def _is_pointer(block: Block) -> bool:
    chars = len(block.text)
    return block.kind == "text" and chars <= POINTER_CHARS and block.link_chars > POINTER_LINK_SHARE * chars
