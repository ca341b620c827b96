"""What a model wrote for one conversation, and what of it may be used: no thinking, no marks of turns, nothing cut off."""

import re
from dataclasses import dataclass

from humpback_exp import reasons
from humpback_exp.turn_marks import KNOWN, remove

STOP = "stop"
LENGTH = "length"
OVERFLOW = "overflow"
FILTERED = "filtered"
REFUSED = "refused"
FAILED = "failed"
BROKEN = "broken"
LOST = {OVERFLOW: reasons.OVERFLOW, FILTERED: reasons.FILTERED, REFUSED: reasons.REFUSED}
LOST |= {FAILED: reasons.FAILED, BROKEN: reasons.BROKEN}
"""How a completion ended that has no answer -> why the row is dropped."""

_NAMES = (
    r"(?:[a-z]{1,12}[:_]|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratch_?pad|monologue|cot)"
    r"(?:_process|_never_used_[0-9a-f]{1,40})?"
)
_HEADER = r"[^<>]{0,60}(?:<\|constrain\|>\w{1,20})?<\|message\|>"
"""What follows the name of a channel of gpt-oss, up to its text."""
_THINKING = re.compile(
    rf"(?P<open><{_NAMES}(?:\s[^<>]{{0,60}})?>|<\|{_NAMES}\|>|\[(?:THINK|THOUGHT)\]|◁think▷|<unused94>thought"
    r"|<\|(?:begin_of_thought|startofthink|START_THINKING|inner_prefix)\|>|<\|channel>thought"
    rf"|<\|channel\|>(?:analysis|commentary){_HEADER}|\A(?-i:analysis(?=[A-Z])))"
    rf"|</{_NAMES}>|<\|/{_NAMES}\|>|\[/(?:THINK|THOUGHT)\]|◁/think▷|<unused95>"
    r"|<\|(?:end_of_thought|endofthink|END_THINKING|inner_suffix|content)\|>|<channel\|>"
    rf"|<\|channel\|>final{_HEADER}|(?-i:assistantfinal)",
    re.IGNORECASE,
)
"""Where thinking begins (`open`) and ends, in the marks that reasoning models are trained with, and in what is left of gpt-oss's
where a server leaves special tokens out."""
_WRAPPED = re.compile(r"<(answer|response|solution)>(.*?)(?:</\1>)?", re.IGNORECASE | re.DOTALL)
"""An answer in a tag of its own, as some models write it after thinking."""


@dataclass(slots=True)
class Completion:
    """What a model wrote for one conversation."""

    text: str
    """As it came, thinking included."""
    tokens: int
    finish: str
    """stop, length (the limit of new tokens), overflow (prompt and answer cannot fit the context), or of an endpoint: filtered,
    refused, failed, broken. Only the first two have an answer."""

    @property
    def answer(self) -> str:
        """What may be used of the text."""
        return answer_in(self.text)

    @property
    def unusable(self) -> str:
        """Why nothing of it can be used, or an empty string."""
        if self.finish in LOST:
            return LOST[self.finish]
        return reasons.REASONING_ALONE if self.text.strip() and not self.answer and thinks(self.text) else ""

    @property
    def unfinished(self) -> str:
        """Why it is not whole, or an empty string."""
        return reasons.UNFINISHED if self.finish == LENGTH else ""


def thinks(text: str) -> bool:
    """Whether thinking is marked in the text."""
    return _THINKING.search(text) is not None


def answer_in(text: str) -> str:
    """The text without marked thinking and without marks of turns.

    Thinking that is not closed goes on to the end. What stands before a closing mark without an opening one is thinking,
    too: many templates open it in the prompt.
    """
    kept: list[str] = []
    place, inside = 0, False
    for mark in _THINKING.finditer(text):
        if mark["open"] and not inside:
            kept.append(text[place : mark.start()])
        elif not mark["open"] and not inside:
            kept.clear()
        inside = bool(mark["open"])
        place = mark.end()
    if not inside:
        kept.append(text[place:])
    answer = remove("".join(kept), KNOWN).strip()
    wrapped = _WRAPPED.fullmatch(answer) if place else None
    return wrapped[2].strip() if wrapped else answer
