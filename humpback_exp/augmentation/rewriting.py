"""Generated text -> the answer that takes a draft's place, or the reason to keep the draft. Torch-free.

A pair that comes here has been selected as good, so a failed rewriting costs it nothing but the rewriting: the draft stays.
Dropping it instead would shrink the selection, and would leave more of the short and easy texts that small models rewrite well.
"""

import re

from humpback_exp import reasons
from humpback_exp.augmentation.instructions import echoes, refuses, repeats, words_of
from humpback_exp.completions import LENGTH, LOST
from humpback_exp.prompts import REWRITE

SHORTEST = 0.3
"""Share of the draft's words below which a rewriting has lost the answer, not only what did not belong to it (ours)."""
_LABEL = re.compile(r"^(the )?(rewritten |revised )?(answer|draft)\s*:\s*", re.IGNORECASE)


def clean(raw: str) -> str:
    """The generated text without the label that models put before an answer."""
    return _LABEL.sub("", raw.strip())


def keep_reason(text: str, draft: str, finish: str) -> str:
    """Why the draft is kept instead of a cleaned rewriting, or an empty string.

    Args:
        finish: how the engine ended the completion (`completions.Completion.finish`).

    Returns:
        A reason of `completions.LOST`, or `empty`, `refused`, `repeats itself`, `echoes the prompt`, `unfinished`,
        `much shorter`, or "".
    """
    words = words_of(text)
    if finish in LOST:
        return LOST[finish]
    if len(words) < 2:
        return reasons.EMPTY
    if refuses(words):
        return reasons.REFUSED
    if repeats(words):
        return reasons.REPEATS
    if echoes(words, REWRITE):
        return reasons.ECHOES
    if finish == LENGTH:
        return reasons.UNFINISHED
    if len(words) < SHORTEST * len(words_of(draft)):
        return reasons.MUCH_SHORTER
    return ""
