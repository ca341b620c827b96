"""Pages and the filters of paper section 2."""

from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

from humpback_exp.config.bounds import NOT_NEGATIVE, POSITIVE, SHARE, bounded, check_bounds, choice, require
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.stage_base import BulkConfig

LATER = (
    *("max_page_mb", "capital_words", "subtree", "site_lines", "questions"),
    *("base", "pages", "segments", "per_host", "mask_pii", "min_quality"),
)
"""Options that earlier versions did not have."""


@dataclass(kw_only=True, slots=True)
class StreamConfig:
    """Which part of a dataset of the Hugging Face Hub, or of a folder laid out like one, is read as a corpus."""

    name: str | None = None
    """The configuration (or subset) of a dataset that has several; None takes its default one."""
    split: str | None = None
    """The split; None reads `train` of the Hub, and of a folder all that lies in it."""
    revision: str | None = None
    """Branch, tag or commit on the Hub; None takes main."""

    @property
    def inactive_fields(self) -> set[str]:
        return {f.name for f in fields(self) if getattr(self, f.name) is None}


@dataclass(kw_only=True, slots=True)
class CorpusConfig:
    """Pages and the filters of paper section 2; numbers the paper leaves open are marked ours."""

    path: str = artifact_input("pages")
    """A folder of pages (HTML, Markdown), archives (WARC, ARC) and tables (Parquet, JSON lines), or one such file, on this
    machine or at an address that fsspec knows (s3://, https://); a list of paths below `base`, one a line, named *.paths or
    *.paths.gz; or a dataset of the Hugging Face Hub."""
    base: str = "https://data.commoncrawl.org/"
    """What the paths of a list begin with."""
    dataset: StreamConfig = field(default_factory=StreamConfig)
    """Which part of a dataset is read."""
    pages: int | None = bounded(None, POSITIVE)
    """Pages that are read, drawn by a seeded order: of their addresses where each is a file, else of the ranges they lie in."""
    segments: int | None = bounded(None, POSITIVE)
    """Segments that are kept, drawn by a seeded order of their ids."""
    seed: int = bounded(0, NOT_NEGATIVE)
    """Of these orders, and of the random segments of `min_quality`."""
    per_host: int | None = bounded(None, POSITIVE)
    """Segments that are kept of a host, the first in order."""
    max_page_mb: int = bounded(8, POSITIVE)
    """Larger pages are dropped unread (ours)."""
    min_chars: int = 600
    max_chars: int = 3000
    """Bounds on a segment's text (paper section 2)."""
    languages: list[str] = field(default_factory=lambda: ["en"])
    """ISO 639-1 codes kept."""
    max_capital_share: float = bounded(1.0, SHARE)
    """Headers with this share of capital letters or more are dropped; 1 drops only those all in capitals (paper v3)."""
    capital_words: bool = False
    """Keep headers of one word in capitals: acronyms, and sections of manual pages such as DESCRIPTION (ours)."""
    stop_headers: list[str] = field(default_factory=lambda: ["advertisement", "forum", "quick link", "free newsletter"])
    """A header containing one of these, ignoring case, is navigation (the paper's four).

    `advertisement` and `forum` are words of other subjects, too: they count beside words that say nothing of their own."""
    subtree: str = bounded("ancestor", choice("ancestor", "leaf"))
    """Which of two segments is kept where one lies inside the other: ancestor, the whole with its subtrees (the paper's
    unit), unless its parts are nearly all of it; or leaf, the part."""
    site_lines: bool = True
    """Leave out lines that stand on half of the pages of a site (ours)."""
    sentence_ngram: int = bounded(3, POSITIVE)
    sentence_jaccard: float = bounded(0.6, SHARE)
    """A segment with two sentences more alike than this in their word n-grams repeats itself (ours)."""
    sentence_min_words: int = bounded(8, POSITIVE)
    """Shorter sentences are not compared: lines of code and labels of lists repeat without harm (ours)."""
    max_link_share: float = bounded(0.5, SHARE)
    """Largest share of text inside links; more is a list of links (ours)."""
    near_duplicate: float = bounded(0.8, SHARE)
    """Estimated Jaccard similarity of word 5-grams from which the later of two segments is dropped (ours)."""
    questions: bool = False
    """Make held-out pairs of the pages whose headers are questions (docs/corpus.md), in two halves: development.jsonl and
    test.jsonl in heldout/ of the segments' folder. Neither those pages nor segments that repeat them become candidates (ours)."""

    blocked_urls: str | None = artifact_input()
    """A file of domains, hosts and addresses, one a line, whose pages are dropped (beyond the paper, as all that follows)."""
    mask_pii: bool = False
    """Put example addresses in place of mail and public IP addresses."""
    decontaminate: list[str] = artifact_input(list)
    """Files of evaluation prompts, in any format of data.seed_path; segments that share 13 words in a row with one are dropped."""
    min_quality: float | None = bounded(None, SHARE)
    """Least probability that a segment is an output of `quality_seed` rather than a random segment; 0.5 is even."""
    quality_seed: str | None = artifact_input()
    """Human pairs, in any format of data.seed_path, whose outputs teach the classifier of `min_quality`."""

    @property
    def inactive_fields(self) -> set[str]:
        """Options that a run leaves alone are no part of what it is."""
        unused = {f.name for f in fields(self) if f.name in LATER and getattr(self, f.name) == f.default}
        drawn = (self.pages, self.segments, self.min_quality) != (None, None, None)
        return unused if drawn else unused | {"seed"}

    def __post_init__(self) -> None:
        check_bounds(self, "corpus.")
        bound = f"goes with corpus.quality_seed={self.quality_seed}; set both or neither"
        require(
            (self.min_quality is None) == (self.quality_seed is None), "corpus.min_quality", self.min_quality, bound
        )
        ordered, bound = 0 < self.min_chars <= self.max_chars, f"must lie in 1..corpus.max_chars={self.max_chars}"
        require(ordered, "corpus.min_chars", self.min_chars, bound)


@dataclass(kw_only=True, slots=True)
class SegmentConfig(BulkConfig):
    """pages -> segments"""

    stage: ClassVar[str] = "segment"
    kind: ClassVar[str] = "segments"
    restarts: ClassVar[int] = 100
    """A page may kill its worker; who takes its place tries that page apart."""

    seed: int = operational(0)
    """Nothing here is drawn at random, so loops with other seeds share their segments."""
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    workers: int = operational(2, POSITIVE)
    """Processes that parse pages on this machine, where executor.workers says nothing else."""
    chunk_size: int = bounded(256, POSITIVE)
    """HTML pages a committed chunk; of an archive it is 64 MB, of a Parquet file a row group."""

    def __post_init__(self) -> None:
        BulkConfig.__post_init__(self)
        if self.executor.name == "local" and self.executor.workers == 1:
            self.executor = replace(self.executor, workers=self.workers)
