"""Generated text -> a usable instruction, or the reason to drop it. Torch-free; `stages/augment.py` drives it.

The two public reimplementations that print their data show instructions that echo the prompt or restate the output
(rivals.md 3.1); both are recognised here by the runs of words they share.
"""

import re

from humpback_exp import reasons
from humpback_exp.prompts import BACKWARD

MAX_CHARS = 2000
"""Longer text is no instruction: the paper's candidates average 352 characters with a deviation of 134 (Table 2)."""
ECHO = 6
"""Text that shares this many words in a row with our own prompt echoes it (ours)."""
RESTATEMENT = 0.6
"""Share of its runs of three words that stand in the output, from which a text that begins as a passage of it is one (ours)."""
_WORD = re.compile(r"\w+")
_CANNOT = "(?:can t|cannot|can not|won t|(?:am|m) (?:unable to|not able to))"
_REFUSAL = re.compile(
    rf"(?:i m |i am )?(?:very |so |really )?sorry (?:but )?i {_CANNOT}\b|as an ai\b|i must decline\b"
    rf"|i {_CANNOT} (?:assist|comply|fulfill?|help (?:you )?with)\b"
)
"""How a model begins that declines, as words without punctuation."""
_LABEL = re.compile(r"^\w+ ?:", re.MULTILINE)
_QUOTED = re.compile(r'"[^"]*"')
_QUESTION = re.compile(r"(?:[^.!?？]|[.!?](?!\s))*[?？]\W*")
"""One sentence that asks."""


def clean(raw: str) -> str:
    """The generated text without the quotes and labels that models put around an instruction."""
    text = raw.strip()
    if len(_LABEL.findall(text)) < 2:  # one among several is part of a dialogue
        text = re.sub(r"^(instruction|question|prompt|user)\s*:\s*", "", text, flags=re.IGNORECASE)
    return text[1:-1].strip() if _QUOTED.fullmatch(text) else text


def drop_reason(instruction: str, output: str) -> str:
    """Why a cleaned instruction is unusable, or an empty string.

    Returns:
        One of `empty`, `refused`, `too long`, `repeats itself`, `echoes the prompt`, `restates the output`, or "".
    """
    words = words_of(instruction)
    if not words or (len(words) == 1 and instruction[-1] not in "!?"):  # "hello!" says all it means to say
        return reasons.EMPTY
    if refuses(words):
        return reasons.REFUSED
    if len(instruction) > MAX_CHARS:
        return reasons.TOO_LONG
    if repeats(words):
        return reasons.REPEATS
    if echoes(words, BACKWARD):
        return reasons.ECHOES
    if restates(instruction, output):
        return reasons.RESTATES
    return ""


def words_of(text: str) -> list[str]:
    """Its words in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def refuses(words: list[str]) -> bool:
    """Whether the model declines instead of answering."""
    return _REFUSAL.match(" ".join(words[:12])) is not None


def repeats(words: list[str]) -> bool:
    """Whether more than half of the runs of three words stand there before; short texts never do."""
    return len(words) > 12 and len(set(_runs(words, 3))) < len(_runs(words, 3)) / 2


def echoes(words: list[str], prompt: str) -> bool:
    """Whether `ECHO` words in a row are those of our own prompt."""
    return not set(_runs(words, ECHO)).isdisjoint(_runs(words_of(prompt), ECHO))


def restates(instruction: str, output: str) -> bool:
    """Whether a text is a passage of the output and no request for it: it begins as one and mostly goes on as one.

    A request has words of its answer, too ("Prove that the square root of 2 is irrational."), but seldom its first ones, and a
    question that the output repeats is a question nonetheless. Below six words a run or two is chance, so that only the
    beginning of the output counts. In 681 human pairs none is taken for a passage; 99 % of passages are found.
    """
    words, source = words_of(instruction), words_of(output)
    if _QUESTION.fullmatch(instruction.strip()):
        return False
    if len(words) < 6:
        return source[: len(words)] == words
    runs, known = _runs(words, 3), set(_runs(source, 3))
    return runs[0] in known and sum(run in known for run in runs) >= RESTATEMENT * len(runs)


def _runs(words: list[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
