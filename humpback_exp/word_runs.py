"""Thirteen words in a row, which two texts do not share by chance: the length at which GPT-3's authors looked for overlap
(arXiv 2005.14165, appendix C)."""

import re

LENGTH = 13
WORD = re.compile(r"\w+")

Run = tuple[str, ...]


def words(text: str) -> Run:
    """The words of a text, without case and marks."""
    return tuple(WORD.findall(text.lower()))


def runs(text: str, length: int = LENGTH) -> set[Run]:
    """All words in a row of this number; none of a shorter text."""
    found = words(text)
    return {found[start : start + length] for start in range(len(found) - length + 1)}
