"""A page -> its sections: the text below every header, down to the next header of its level (paper section 2).

Sections nest: an h1's text holds its h2s with theirs, and each h2 is a section again. What becomes of a section is
decided by filters and dedup. Called by the segment stage.
"""

import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from humpback_exp.corpus.blocks import Block, join
from humpback_exp.corpus.boilerplate import without_boilerplate
from humpback_exp.corpus.decoding import decode
from humpback_exp.corpus.flatten import flatten
from humpback_exp.records import DroppedSegment, Segment

STOP_HEADERS = ("advertisement", "forum", "quick link", "free newsletter")
"""The paper's four."""


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
    start: int = 0
    end: int = 0
    """Its place among the page's blocks, which says what lies inside what."""
    lost: str = ""
    """Why the header is none of the text's; empty for one that is."""
    version: str = ""
    """Which of several visits to the address the page is from."""

    def segment(self) -> Segment:
        """The record of a section that is kept."""
        return Segment(
            id=segment_id(self.url, self.offset, self.version),
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


def segment_id(url: str, offset: int, version: str = "") -> str:
    """Where a text stands is what it is: the same on every machine, in any order."""
    place = f"{url}\n{offset}\n{version}" if version else f"{url}\n{offset}"
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def sections(url: str, html: bytes, charset: str | None = None) -> Iterator[Section]:
    """The sections of a page by the paper's stop headers, in order, less those whose header is furniture.

    Raises:
        NotAPage: as `cut` does.
    """
    return (section for section in cut(url, html, charset) if not section.lost)


def cut(
    url: str,
    html: bytes,
    charset: str | None = None,
    stop_headers: Sequence[str] = STOP_HEADERS,
    repeated: Container[str] = (),
    version: str = "",
) -> Iterator[Section]:
    """The sections of a page in the order of their headers, those whose header is furniture among them.

    A section ends at the next header of its own or a higher level, or with the article or main element it began in.

    Args:
        url: the page's address.
        html: its bytes.
        charset: what HTTP said of its encoding.
        stop_headers: headers of navigation.
        repeated: lines that stand on many pages of the site.
        version: which visit to the address this is.

    Raises:
        NotAPage: the bytes are empty, binary, undecodable or beyond all bounds.
    """
    blocks = flatten(decode(html, charset))
    if repeated:
        blocks = [block for block in blocks if line(block) not in repeated]
    blocks = without_boilerplate(blocks, stop_headers)
    ends = _ends(blocks)
    path: list[int] = []
    for start, block in enumerate(blocks):
        if block.kind == "lost":
            headers = [blocks[at].text for at in path if ends[at] > start and blocks[at].text]
            place = [*headers, block.text] if block.text else headers
            yield Section(
                url, block.offset, place, block.text, block.body, 0.0, start, start + 1, block.reason, version
            )
        elif block.kind == "header":
            path = [above for above in path if ends[above] > start] + [start]
            yield _section(url, blocks, path, ends[start], version)


def line(block: Block) -> str:
    """A block as the count of repeated lines knows it; only headers of the first level, which may name the site."""
    if block.kind == "header":
        return f"# {block.text}" if block.level == 1 else ""
    return block.text if block.kind in ("text", "item", "row") else ""


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
            over = [at for at in open_headers if blocks[at].order >= block.level]
        ends |= dict.fromkeys(over, position)
        open_headers = [at for at in open_headers if at not in over]
        if block.kind == "header":
            open_headers.append(position)
    return ends | dict.fromkeys(open_headers, len(blocks))


def _section(url: str, blocks: list[Block], path: list[int], end: int, version: str) -> Section:
    own = blocks[path[-1]]
    body = blocks[path[-1] + 1 : end]
    while body and (body[-1].kind in ("header", "lost", "end") or not body[-1].text):
        body.pop()
    text = join(body)
    links = sum(block.link_chars for block in body if block.kind != "lost")
    return Section(
        url=url,
        offset=own.offset,
        heading_path=[blocks[at].text for at in path if blocks[at].text],
        header=own.text,
        text=text,
        link_share=min(1.0, links / max(1, len(text))),
        start=path[-1],
        end=end,
        version=version,
    )
