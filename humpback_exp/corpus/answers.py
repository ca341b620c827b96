"""What the values of classes, ids and styles say, kept in bounded tables, since the pages of a site repeat them.

Called by furniture.
"""

from collections.abc import Callable
from typing import TypeVar

from humpback_exp.corpus.markup import UNSEEN_STYLE, named

MAX_ANSWERS = 50_000
MAX_CHARS = 200
"""Length of the longest value whose answer is kept: a page may hold one of megabytes."""
A = TypeVar("A")


class Answers(dict[str | None, A | None]):
    """What a function says of a value; None where there is no value."""

    def __init__(self, function: Callable[[str], A | None]) -> None:
        self.function = function

    def __missing__(self, value: str | None) -> A | None:
        answer = self.function(value) if value else None
        if not value or len(value) <= MAX_CHARS:
            if len(self) > MAX_ANSWERS:
                self.clear()
            self[value] = answer
        return answer


MEANINGS, UNSEEN = Answers(named), Answers(UNSEEN_STYLE.search)
"""By class or id, and by style."""
