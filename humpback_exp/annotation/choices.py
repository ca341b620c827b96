"""What a rater may choose, and the guidelines that say what to choose by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.config import AnnotateConfig


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the buttons. Values that lie one apart are neighbours."""

    name: str
    """In a file of known answers."""
    value: int
    """Of the answer shown first, so the value changes its sign with the sides."""
    label: str
    key: str
    """On the keyboard."""
    outcome: str
    """What is exported, once the sides are put back."""


COMPARISON = (
    Choice("first", 1, "A is better", "a", "win"),
    Choice("neither", 0, "No difference", "n", "tie"),
    Choice("second", -1, "B is better", "b", "loss"),
)
"""Three choices (paper section 3.4): either answer is significantly better, or there is no significant difference."""
GOOD = (Choice("good", 5, "Good", "g", "good"), Choice("not good", 1, "Not good", "n", "not good"))
FIVE = tuple(Choice(str(level), level, str(level), str(level), str(level)) for level in range(1, 6))
COMPARE = (
    "Read the request and both answers to their ends. Which answer would help the person who asked more?",
    "Choose A or B when one is significantly better: more correct, more complete, clearer, nearer to what was asked, safer.",
    "Choose No difference when you would be as glad of either, or as sorry. A longer answer is not better for its length.",
    "Then write in a sentence what decided it. Do not guess who or what wrote the answers.",
)
LABEL = "Read the request and the answer to their ends. Is it a good example of how an AI assistant should respond?"
GOOD_FROM = 4
"""The lowest level of a good pair: in the rubric (paper section 2.3), the first that finds nothing missing or irrelevant."""


def choices(config: AnnotateConfig) -> tuple[Choice, ...]:
    """The buttons of a study, in their order on the page."""
    if config.evals:
        return COMPARISON
    return GOOD if config.scale == "good" else FIVE


def guidelines(config: AnnotateConfig) -> Sequence[str]:
    """What the page tells a rater: for pairs, the levels that stand in the rubric's prompt as `1: ...`."""
    if config.evals:
        return COMPARE
    levels = re.findall(r"^\s*([0-5]: .+)$", config.rubric.prompt, re.MULTILINE)
    asked = [f"Good is level {GOOD_FROM} or more of these."] if config.scale == "good" and levels else []
    return [LABEL, *asked, *levels]


def agreement(value: int, known: int) -> float:
    """1 for the known answer, 1/2 for the choice next to it, so that "neither" counts half (paper section 3.4), else 0."""
    return max(0.0, 1 - abs(value - known) / 2)
