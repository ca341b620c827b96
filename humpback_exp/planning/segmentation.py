"""What a corpus of many pages asks for: cores, hours and disk, from rates of a sample that was segmented, or shipped ones."""

from dataclasses import dataclass
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import SizesConfig

PAGE, PACKED = 77_000, 25_000
"""Bytes of a page, and of its part of an archive: Common Crawl of December 2014 had 160 TB in 2.08 billion pages, and one of its
archives takes about 75 TB (arXiv 2404.09770) for some 3 billion."""
BYTES_PER_SECOND = 9.4e6
"""Of a core, sections to signatures: the whole worker of benchmarks/segment.py on mixed pages (docs/corpus.md, How fast)."""
SEGMENTS = 0.5
"""A page (ours): documentation has 1.5, news and shops a tenth."""
WAITING, FINISHED, SEARCHED = 1_700, 1_000, 700
"""Bytes of a segment that waits for its verdict with its signature, that is kept, and of the scratch files of the search."""
ROW_SECONDS = 1.6e-4
"""Of the one process that searches for duplicates and writes what is kept, a segment (docs/corpus.md, Memory and scale)."""
NODES = (1, 10, 100)
CORES = 64
"""Of a node."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The work of segmenting a corpus."""

    pages: int
    pages_per_second: float
    """Of a core."""
    segments: int
    """That pass the filters of a page."""
    origin: str
    """Where the rates are from."""

    @property
    def core_hours(self) -> float:
        return self.pages / self.pages_per_second / 3600

    @property
    def closing_hours(self) -> float:
        """Of the command alone, when all pages are cut."""
        return self.segments * ROW_SECONDS / 3600

    def hours(self, nodes: int) -> float:
        return self.core_hours / (nodes * CORES) + self.closing_hours

    @property
    def disk(self) -> dict[str, float]:
        """Bytes, by what they are."""
        return {
            "archives read": self.pages * PACKED,
            "segments": self.segments * FINISHED,
            "at most beside them": self.segments * (WAITING + SEARCHED),
        }


def segmentation(sizes: SizesConfig) -> Segmentation | None:
    """The work for `sizes.pages`; None where no corpus is planned.

    Raises:
        ValueError: the sample is no finished folder of segments, or was made too fast to tell a rate.
    """
    if sizes.pages is None:
        return None
    if sizes.sample is None:
        return Segmentation(sizes.pages, BYTES_PER_SECOND / PAGE, round(SEGMENTS * sizes.pages), "shipped rates")
    made = artifacts.load(artifacts.require_input(sizes.sample, "segments"))
    rate = made.metrics.get("pages_per_second")
    if not rate:
        raise ValueError(
            f"sizes.sample={sizes.sample}: has no pages_per_second; make a larger sample, corpus.pages=10000 say"
        )
    share = made.rows["segments"] / made.rows["pages"]
    return Segmentation(
        sizes.pages, rate, round(share * sizes.pages), f"{made.rows['pages']:,} pages of {Path(sizes.sample)}"
    )
