"""Thirteen words in a row, which two texts do not share by chance: the length at which GPT-3's authors looked for overlap
(arXiv 2005.14165, appendix C)."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

LENGTH = 13
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Ranges of characters of scripts that are written without spaces."""
WORD = re.compile(r"\w+")
CHARACTER = re.compile(f"[{UNSPACED}]")
WORD_OR_CHARACTER = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
LIST_MARK = re.compile(r"^[^\S\n]*(?:[-*•]|-?\d+[.)]) ", re.M)
"""What the items of lists begin with, which differs where one text is a list of steps and its copy is not."""
MARKS = str.maketrans({mark: " " for mark in map(chr, range(128)) if not WORD.match(mark)})

Run = tuple[str, ...]


def words(text: str) -> Run:
    """The words of a text, without case and marks."""
    return tuple(words_as_written(text.lower()))


def words_as_written(text: str) -> list[str]:
    """The words of a text, without marks."""
    # Finds the same in ASCII in a third of the time.
    return text.translate(MARKS).split() if text.isascii() else WORD.findall(text)


def compared(text: str) -> Run:
    """The words that overlap is told by: marks of lists are none, and a character of an unspaced script stands for half a one."""
    text = LIST_MARK.sub("", text.lower())
    return tuple(words_as_written(text) if text.isascii() else WORD_OR_CHARACTER.findall(text))


def length_of(text: str) -> int:
    """How many words `runs` counts in a text."""
    return sum(map(_half_words, compared(text))) // 2


def runs(text: str, length: int = LENGTH) -> set[Run]:
    """All words in a row that come to this number; none of a shorter text."""
    return _runs(compared(text), text.isascii(), length)


def _runs(found: Run, spaced: bool, length: int) -> set[Run]:
    if spaced:
        return {found[start : start + length] for start in range(len(found) - length + 1)}
    halves = [0, *accumulate(map(_half_words, found))]
    ends = (bisect_left(halves, before + 2 * length) for before in halves[:-1])
    return {found[start:end] for start, end in enumerate(ends) if end < len(halves)}


def runs_or_whole(text: str) -> set[Run]:
    """The runs of a text; of one that is too short for any, all its words."""
    return runs(text) or {compared(text)} - {()}


def _half_words(word: str) -> int:
    return 1 if CHARACTER.match(word) else 2


class KnownRuns:
    """Words in a row that other texts are searched for; of a shorter text all its words."""

    def __init__(self) -> None:
        self.by_length: dict[int, set[Run]] = {}

    def add(self, found: Iterable[Run], length: int = LENGTH) -> None:
        """Words in a row that come to `length`."""
        self.by_length.setdefault(length, set()).update(found)

    def stand_in(self, text: str) -> bool:
        """Whether a text holds any of them."""
        found, spaced = compared(text), text.isascii()  # once, for answers may have many lengths
        return any(not known.isdisjoint(_runs(found, spaced, length)) for length, known in self.by_length.items())
