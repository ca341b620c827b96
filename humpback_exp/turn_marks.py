"""Strings that mark turns, taken out of text from outside, so that neither a page nor a model can end a turn or forge one.

Which strings those are is asked of the template and the tokenizer themselves: a conversation of sentinels is rendered, and
what stands between them marks turns. The marks of known families are added, for endpoints whose template cannot be seen.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import TemplateError

FAMILIES = (
    r"<\|[^<>|\s][^<>|]{0,60}\|>",  # ChatML, Llama 3, Zephyr, Phi, Cohere, Granite, gpt-oss
    r"<[|｜][^<>|｜\s]{1,60}>|<[^<>|｜\s]{1,60}[|｜]>",  # Gemma 4
    r"<｜[^<>｜]{1,60}｜>",  # DeepSeek
    r"<(?:start|end)_of_turn>",  # Gemma
    r"</?(?:s|bos|eos|pad|unk|sop|eop|BOS_TOKEN|EOS_TOKEN|PAD_TOKEN)>",
    r"</?(?:role|think|thinking|tool_call|tool_calls|tool_response)>",  # Ling, Qwen
    r"<eo[hmat]>|<sep>",  # InternLM, MOSS, Reka
    r"<(?:human|bot|user|assistant|system)>:",  # RedPajama
    r"<(?:extra_id|SPECIAL|reserved)_\d{1,5}>|<unused\d{1,4}>",  # Nemotron, Baichuan, Gemma
    r"<(?:beginning|end)_of_sentence>|<用户>|<AI>",  # MiniMax, MiniCPM
    r"GPT4 Correct (?:User|Assistant):",  # OpenChat
    r"<_(?:system|user|bot|start|end)>",  # TeleChat
    r"</?seed:[a-z_]{1,30}>",  # Seed-OSS
    r"<</?SYS>>|\[/?(?:INST|SYS|SYSTEM_PROMPT|THINK|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT))\]",  # Llama 2, Mistral
    r"\[(?:g|s)?MASK\]",  # GLM
    r"\[\|[^\[\]|]{1,40}\|\]",  # EXAONE
    r"◁/?[a-z_]{1,30}▷",  # Kimi
    r"\]~!?b[\[\]]|\[e~\[",  # MiniMax
    r"USER:|ASSISTANT:",  # Vicuna
    r"###\s?(?:Instruction|Response|Input|Human|Assistant|User|System)\s?:",  # Alpaca, Guanaco
    r"\n\n(?:Human|Assistant):",
)
"""What marks turns in the templates of known families; no text before or behind a mark decides whether it is one."""
LONGEST_FAMILY = 70
"""Characters that no match of `FAMILIES` exceeds."""
BRACKETED = re.compile(r"<<?/?[^<>\s]{1,60}>>?|\[\|?/?[^\[\]\s]{1,60}\|?\]|◁[^◁▷\s]{1,40}▷")
"""A token of a template that marks something by itself; the words beside it, `user` say, do not."""
SENTINELS = tuple(f"zq{number}sentinel{number}qz" for number in range(5))
SURROGATE = re.compile("[\ud800-\udfff]")


class Marks(NamedTuple):
    """What `remove` takes out."""

    pattern: re.Pattern[str]
    longest: int
    """Characters that no match exceeds."""


def marks(literals: Iterable[str] = ()) -> Marks:
    """The marks of all known families and these literal ones."""
    exact = sorted({mark for mark in literals if mark}, key=lambda mark: (-len(mark), mark))
    longest = max([LONGEST_FAMILY, *map(len, exact)])
    return Marks(re.compile("|".join([*map(re.escape, exact), *FAMILIES])), longest)


KNOWN = marks()


def tokenizer_marks(tokenizer: Any) -> Marks:
    """The marks of a tokenizer: its special tokens, and what its chat template puts between turns."""
    return _tokenizer_marks(tokenizer, str(tokenizer.chat_template))


@lru_cache(maxsize=8)
def _tokenizer_marks(tokenizer: Any, _template: str) -> Marks:
    special = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]

    def render(conversation: Sequence[dict[str, str]], begun: bool) -> str:
        try:
            return str(tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=begun))
        except (TemplateError, TypeError):
            return ""

    return marks([*special, *template_marks(render)] if tokenizer.chat_template else special)


def template_marks(render: Callable[[Sequence[dict[str, str]], bool], str]) -> set[str]:
    """What a template puts around turns, from renderings of conversations that hold nothing but sentinels.

    Args:
        render: a conversation, and whether the model's turn is to follow -> text; nothing where the template has no such
            turns, as some have none of a system.
    """
    roles = ("system", "user", "assistant", "user", "assistant")
    turns = [{"role": role, "content": text} for role, text in zip(roles, SENTINELS, strict=True)]
    found: set[str] = set()
    for conversation, begun in ((turns, False), (turns[:4], True), (turns[1:], False), (turns[1:4], True)):
        head, *between = re.split("|".join(SENTINELS), render(conversation, begun))
        last_line = BRACKETED.split(head)[-1].rpartition("\n")[2]  # what a template says before all turns marks none
        first = head if len(head.split()) == 1 else last_line
        found |= _marks_in(first) | set(BRACKETED.findall(head))
        for piece in between:
            found |= _marks_in(piece)
    # a turn's end and the next one's beginning may adjoin; each is a mark by itself
    parted = {mark.removeprefix(end) for mark in found for end in found if mark.startswith(end)}
    return found | {mark for mark in parted if re.search(r"[^\w\s]", mark)}


def _marks_in(piece: str) -> set[str]:
    """The marks in what stands between two turns: bracketed tokens, words that are more than words, or the piece itself."""
    tokens = set(BRACKETED.findall(piece))
    lines = {line.strip() for part in BRACKETED.split(piece) for line in part.splitlines()}
    words = {line for line in lines if re.search(r"\w", line) and re.search(r"[^\w\s,.]", line)}
    if tokens or words or not piece.strip():
        return tokens | words
    return {piece}


def remove(text: str, marks: Marks) -> str:
    """`text` without any mark, also none that a removal would make of what stood around one; linear in the text.

    Lone surrogates, which no tokenizer and no file takes, become U+FFFD.
    """
    text = SURROGATE.sub("\ufffd", text)
    padded = f"\n{text}\n"  # a mark that is a line of its own may stand at either end
    kept: list[str] = []
    place = 0
    while match := marks.pattern.search(padded, place):
        kept.extend(padded[place : match.start()])
        place = _close_gap(kept, padded, match.end(), marks)
    return ("".join(kept) + padded[place:]).removeprefix("\n").removesuffix("\n") if place else text


def _close_gap(kept: list[str], text: str, place: int, marks: Marks) -> int:
    """Take out what forms a mark across the gap between the characters kept and `text[place:]`; where the text goes on."""
    while True:
        tail = "".join(kept[-marks.longest + 1 :])
        match = marks.pattern.search(tail + text[place : place + marks.longest])
        if match is None or match.start() >= len(tail):
            return place
        del kept[len(kept) - len(tail) + match.start() :]
        place += match.end() - len(tail)
