"""Pages and the filters of paper section 2."""

from dataclasses import dataclass, field

from humpback_exp.config.base import artifact_input, require


@dataclass(kw_only=True, slots=True)
class CorpusConfig:
    """Pages and the filters of paper section 2; numbers the paper leaves open are marked ours."""

    path: str = artifact_input("pages")
    """A folder of .html, .htm, .xhtml, .warc, .arc files (the last two also as .gz), or one such file."""
    min_chars: int = 600
    max_chars: int = 3000
    """Bounds on a segment's text (paper section 2)."""
    languages: list[str] = field(default_factory=lambda: ["en"])
    """ISO 639-1 codes kept."""
    max_capital_share: float = 1.0
    """Headers with this share of capital letters or more are dropped; 1 drops only those all in capitals (paper v3)."""
    stop_headers: list[str] = field(default_factory=lambda: ["advertisement", "forum", "quick link", "free newsletter"])
    """A header containing one of these, ignoring case, is navigation (the paper's four)."""
    sentence_ngram: int = 3
    sentence_jaccard: float = 0.6
    """A segment with two sentences more alike than this in their word n-grams repeats itself (ours)."""
    sentence_min_words: int = 8
    """Shorter sentences are not compared: lines of code and labels of lists repeat without harm (ours)."""
    max_link_share: float = 0.5
    """Largest share of text inside links; more is a list of links (ours)."""
    near_duplicate: float = 0.8
    """Estimated Jaccard similarity of word 5-grams from which the later of two segments is dropped (ours)."""

    def __post_init__(self) -> None:
        require(
            0 < self.min_chars <= self.max_chars,
            "corpus.min_chars",
            self.min_chars,
            f"must lie in 1..corpus.max_chars={self.max_chars}",
        )
        for key in ("sentence_ngram", "sentence_min_words"):
            require(getattr(self, key) > 0, f"corpus.{key}", getattr(self, key), "must be positive")
        for key in ("max_capital_share", "sentence_jaccard", "max_link_share", "near_duplicate"):
            require(0 < getattr(self, key) <= 1, f"corpus.{key}", getattr(self, key), "must lie in (0, 1]")
