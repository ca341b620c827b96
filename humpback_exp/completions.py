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
    r"(?:[a-z]{1,12}[:_]|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratch_?pad|monologue|cot"
    r"|chain[_-]of[_-]thought|working_out)(?:_(?:process|on|fast(?:er)?))?(?:_never_used_[0-9a-f]{1,40})?"
)
_WORDS = r"\[{}(?:THINK(?:ING)?|THOUGHT|REASONING)\]"
_HEADER = r"[^<>]{0,60}(?:<\|constrain\|>\w{1,20})?<\|message\|>"
"""What follows the name of a channel of gpt-oss, up to its text."""
_THINKING = re.compile(
    rf"</{_NAMES}\s?>|<\|/{_NAMES}\|>|<\|?end_?(?:of_?)?{_NAMES}\|?>|<\|?{_NAMES}_end\|?>|(?-i:{_WORDS.format('/')})"
    r"|◁/think▷|<unused95>|<\|(?:inner_suffix|content|im_start\|>answer\b)(?:(?<=answer)|\|>)|<channel\|>"
    rf"|<\|channel\|>final{_HEADER}|(?-i:assistantfinal)|\[BEGIN FINAL RESPONSE\]|^\.\.\.done thinking\."
    r"|(?P<inner></details>|^Here(?:'s| is) my response:)"
    rf"|(?P<open><{_NAMES}(?:\s[^<>]{{0,60}})?>|<\|?(?:begin|start)_?(?:of_?)?{_NAMES}\|?>|<\|{_NAMES}(?:_start)?\|>"
    rf"|(?-i:^[ \t]*{_WORDS.format('')})|◁think▷|<unused94>thought|<\|(?:inner_prefix\|>|im_start\|>think\b)|<\|channel>thought"
    rf"|<\|channel\|>(?:analysis|commentary){_HEADER}|\A(?-i:analysis(?=[A-Z]))|<details type=.?reasoning\b[^<>]{{0,60}}>"
    r"|\AHere(?:'s| is) my thought process:(?=(?s:.)*^Here(?:'s| is) my response:))",
    re.IGNORECASE | re.MULTILINE,
)
"""Where thinking ends and begins (`open`), in the marks that reasoning models are trained with, and in what is left of gpt-oss's
where a server leaves special tokens out. What is `inner` ends thinking that was begun and means nothing elsewhere."""
_TURN_START = r"<\|(?:im_start|start|start_header_id|header_start|start_of_role)\|>\s?"
_ROLE = re.compile(rf"{_TURN_START}assistant\b")
"""The beginning of the model's own turn, which some servers return with it."""
_END_MARKS = (
    r"<\|(?:im_end|eot_id|eot|end|return|end_of_turn|endoftext|end_of_text|END_OF_TURN_TOKEN)\|>|<｜end▁of▁sentence｜>"
    r"|<end_of_turn>|<turn\|>|<eos>|\[\|endofturn\|\]|\[END FINAL RESPONSE\]"
)
_TURN_END = re.compile(rf"(?:{_END_MARKS})(?=\s*(?:\Z|<|\[|(?:assistant|user|system)\b))")
"""What ends the turn; a model that goes on has begun one of somebody else's. A mark among words is only spoken of."""
_OTHERS = re.compile(rf"\s*{_TURN_START}(?:user|system|human)\b")
"""The beginning of somebody else's turn."""
_WRAPPED = re.compile(
    r"<((?:final_)?(?:answer|response|output)|final|solution)>(.*?)(?:</\1>)?", re.IGNORECASE | re.DOTALL
)
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
    return any(not mark["inner"] for mark in _THINKING.finditer(text))


def answer_in(text: str) -> str:
    """The text without marked thinking, without marks of turns, and without what was written behind the end of the turn.

    Thinking that is not closed goes on to the end. What stands before a closing mark without an opening one is thinking,
    too: many templates open it in the prompt.
    """
    text = _ROLE.sub("", text)
    kept: list[str] = []
    place, inside = 0, False
    for mark in _THINKING.finditer(text):
        if mark["inner"] and not inside:
            continue
        if mark["open"] and not inside:
            kept.append(text[place : mark.start()])
        elif not mark["open"] and not inside:
            kept.clear()
        inside = bool(mark["open"])
        place = mark.end()
    if not inside:
        kept.append(text[place:])
    turn = next(filter(str.strip, _TURN_END.split("".join(kept))), "")
    answer = "" if _OTHERS.match(turn) else remove(turn, KNOWN).strip()
    wrapped = _WRAPPED.fullmatch(answer) if place else None
    return wrapped[2].strip() if wrapped else answer
