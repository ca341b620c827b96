"""Pages and the filters of paper section 2."""

from dataclasses import dataclass, field, fields

from humpback_exp.config.base import artifact_input, one_of, require


@dataclass(kw_only=True, slots=True)
class CorpusConfig:
    """Pages and the filters of paper section 2; numbers the paper leaves open are marked ours."""

    path: str = artifact_input("pages")
    """A folder of HTML files and of WARC or ARC archives, plain or compressed, or one such file."""
    max_page_mb: int = 8
    """Larger pages are dropped unread (ours)."""
    min_chars: int = 600
    max_chars: int = 3000
    """Bounds on a segment's text (paper section 2)."""
    languages: list[str] = field(default_factory=lambda: ["en"])
    """ISO 639-1 codes kept."""
    max_capital_share: float = 1.0
    """Headers with this share of capital letters or more are dropped; 1 drops only those all in capitals (paper v3)."""
    capital_words: bool = False
    """Keep headers of one word in capitals: acronyms, and sections of manual pages such as DESCRIPTION (ours)."""
    stop_headers: list[str] = field(default_factory=lambda: ["advertisement", "forum", "quick link", "free newsletter"])
    """A header containing one of these, ignoring case, is navigation (the paper's four).

    `advertisement` and `forum` are words of other subjects, too: they count beside words that say nothing of their own."""
    subtree: str = "ancestor"
    """Which of two segments is kept where one lies inside the other: ancestor, the whole with its subtrees (the paper's
    unit), unless its parts are nearly all of it; or leaf, the part."""
    site_lines: bool = True
    """Leave out lines that stand on half of the pages of a site (ours)."""
    sentence_ngram: int = 3
    sentence_jaccard: float = 0.6
    """A segment with two sentences more alike than this in their word n-grams repeats itself (ours)."""
    sentence_min_words: int = 8
    """Shorter sentences are not compared: lines of code and labels of lists repeat without harm (ours)."""
    max_link_share: float = 0.5
    """Largest share of text inside links; more is a list of links (ours)."""
    near_duplicate: float = 0.8
    """Estimated Jaccard similarity of word 5-grams from which the later of two segments is dropped (ours)."""

    @property
    def idle(self) -> set[str]:
        """Options that a run leaves alone are no part of what it is."""
        defaults = {f.name: f.default for f in fields(self)}
        later = ("max_page_mb", "capital_words", "subtree", "site_lines")
        return {name for name in later if getattr(self, name) == defaults[name]}

    def __post_init__(self) -> None:
        one_of("corpus.subtree", self.subtree, ("ancestor", "leaf"))
        require(
            0 < self.min_chars <= self.max_chars,
            "corpus.min_chars",
            self.min_chars,
            f"must lie in 1..corpus.max_chars={self.max_chars}",
        )
        for key in ("sentence_ngram", "sentence_min_words", "max_page_mb"):
            require(getattr(self, key) > 0, f"corpus.{key}", getattr(self, key), "must be positive")
        for key in ("max_capital_share", "sentence_jaccard", "max_link_share", "near_duplicate"):
            require(0 < getattr(self, key) <= 1, f"corpus.{key}", getattr(self, key), "must lie in (0, 1]")
