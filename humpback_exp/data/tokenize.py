"""Pair + direction -> ids and labels. Labels are masked by position, never by the pad id: eos is often the pad."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jinja2 import TemplateError

from humpback_exp import reasons
from humpback_exp.config import DataConfig
from humpback_exp.prompts import Conversation, backward, forward, without_system
from humpback_exp.records import Example
from humpback_exp.turn_marks import remove, tokenizer_marks

IGNORED = -100
"""The label of a position without a loss, as torch's cross entropy has it."""
Tokenizer = Any
Ids = Any
"""A list, or an array read from the cache."""


@dataclass(slots=True)
class Tokens:
    """One example as the model sees it; `ids` and `labels` are equally long."""

    id: str
    ids: Ids
    labels: Ids

    @property
    def label_count(self) -> int:
        return int(np.count_nonzero(np.asarray(self.labels) != IGNORED))


def clean(tokenizer: Tokenizer, text: str) -> str:
    """Text from outside without the strings that mark turns for this tokenizer, in its template or in one of a known family."""
    return remove(text, tokenizer_marks(tokenizer))


def prompt_ids(tokenizer: Tokenizer, conversation: Conversation) -> list[int]:
    """Ids of a conversation up to where the model's turn begins, the begin-of-text token included if the template has it."""
    safe = [{**message, "content": clean(tokenizer, message["content"])} for message in conversation]
    return tokenizer(rendered(tokenizer, safe), add_special_tokens=False)["input_ids"]


def rendered(tokenizer: Tokenizer, conversation: Conversation) -> str:
    """The conversation as text; a template that refuses a system turn, or leaves it out, gets it in the user's."""
    system = [message["content"].strip() for message in conversation if message["role"] == "system"]
    try:
        text = by_template(tokenizer, conversation)
        if all(said in text for said in system):
            return text
    except TemplateError:
        pass
    return by_template(tokenizer, without_system(conversation))


def by_template(tokenizer: Tokenizer, conversation: Conversation) -> str:
    """The conversation as the template itself renders it, up to where the model's turn begins."""
    return tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)


def target_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of what the model is to write, with the end token it is to stop with."""
    return [*tokenizer(clean(tokenizer, text), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def encode(tokenizer: Tokenizer, conversation: Conversation, target: str, row_id: str) -> Tokens:
    """A conversation and the model's turn as ids, with labels on the model's turn only."""
    prompt, wanted = prompt_ids(tokenizer, conversation), target_ids(tokenizer, target)
    return Tokens(row_id, prompt + wanted, [IGNORED] * len(prompt) + wanted)


def sides(example: Example, config: DataConfig) -> tuple[Conversation, str]:
    """Prompt and target of an example in the config's direction."""
    if config.direction == "backward":
        return backward(example.output, config.tagged), example.instruction
    return forward(example.instruction, [example.source] if config.tagged else []), example.output


def encode_fitting(tokenizer: Tokenizer, example: Example, config: DataConfig) -> tuple[Tokens, str]:
    """An example as tokens, and what became of it: nothing, `cut`, or `too long` for `config.max_length`."""
    tokens = encode(tokenizer, *sides(example, config), example.id)
    if len(tokens.ids) <= config.max_length:
        return tokens, ""
    if config.overlong != "drop":
        tokens = _cut(tokenizer, example, config)
    return tokens, reasons.CUT if len(tokens.ids) <= config.max_length else reasons.TOO_LONG


def _cut(tokenizer: Tokenizer, example: Example, config: DataConfig) -> Tokens:
    """The example with the longest output, cut on the side the config names, that still fits.

    Cutting text rather than ids keeps the template whole; tokens grow with characters, so bisection finds the length.
    """

    def shortened(chars: int) -> Tokens:
        text = example.output[len(example.output) - chars :] if config.overlong == "left" else example.output[:chars]
        return encode(tokenizer, *sides(replace(example, output=text), config), example.id)

    return shortened(_largest(lambda chars: len(shortened(chars).ids) <= config.max_length, len(example.output)))


def _largest(fits: Callable[[int], bool], high: int) -> int:
    low = 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
