"""What a judge is asked about two answers: our words, or a file of the user's such as his copy of AlpacaEval's template."""

import re
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.config import JudgeConfig
from humpback_exp.prompts import JUDGE, RANKING, Conversation, comparison

TURN = re.compile(r"<\|im_start\|>(system|user|assistant)[ \t]*\n(.*?)\n?<\|im_end\|>", re.DOTALL)
"""A turn in AlpacaEval's templates."""
SLOT = re.compile(r"\{(instruction|output_1|output_2)\}")


@dataclass(frozen=True, slots=True)
class Question:
    """Two answers to one instruction, in the order in which they are shown."""

    instruction: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """A prompt with places for a question's texts."""

    text: str
    """What identifies it."""
    turns: Conversation | None
    """Turns of a user's file with their slots; None for our own prompt."""

    def conversation(self, question: Question) -> Conversation:
        """The question as the judge sees it. Slots are filled at once, so text that names a slot stays text."""
        if self.turns is None:
            return comparison(question.instruction, question.first, question.second, self.text)
        pieces = {"instruction": question.instruction, "output_1": question.first, "output_2": question.second}
        return [turn | {"content": SLOT.sub(lambda slot: pieces[slot[1]], turn["content"])} for turn in self.turns]


def judge_prompt(config: JudgeConfig) -> JudgePrompt:
    """The prompt that a config names.

    Raises:
        ValueError: the file cannot be read, lacks a slot, or has text outside its turns.
    """
    if config.prompt is None:
        return JudgePrompt(JUDGE if config.verdict == "choice" else RANKING, None)
    try:
        text = Path(config.prompt).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"judge.prompt={config.prompt}: cannot be read ({error}); give a text file") from None
    missing = {"instruction", "output_1", "output_2"} - set(SLOT.findall(text))
    if missing:
        raise ValueError(f"judge.prompt={config.prompt}: lacks {', '.join(f'{{{name}}}' for name in sorted(missing))}")
    return JudgePrompt(text, _turns(text, config.prompt))


def _turns(text: str, path: str) -> Conversation:
    """The turns that a text marks as ChatML does; all of it is the user's where it marks none."""
    if "<|im_start|>" not in text:
        return [{"role": "user", "content": text.strip()}]
    if TURN.sub("", text).strip():
        raise ValueError(f"judge.prompt={path}: text stands outside <|im_start|>role ... <|im_end|>; close every turn")
    return [{"role": role, "content": content.strip()} for role, content in TURN.findall(text)]
