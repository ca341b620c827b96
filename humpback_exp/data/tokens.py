"""Pair + direction -> ids and labels. Labels are masked by position, never by the pad id: eos is often the pad."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from humpback_exp.config import DataConfig
from humpback_exp.prompts import TURN_MARKS, Conversation, backward, forward
from humpback_exp.records import Example

IGNORED = -100
"""The label of a position without a loss, as torch's cross entropy has it."""
Tokenizer = Any


@dataclass(slots=True)
class Tokens:
    """One example as the model sees it; `ids` and `labels` are equally long."""

    id: str
    ids: list[int]
    labels: list[int]

    @property
    def label_count(self) -> int:
        return sum(label != IGNORED for label in self.labels)


def neutral(tokenizer: Tokenizer, text: str) -> str:
    """Text from outside without the strings that mark turns, for the tokenizer or in a template of ours.

    A page that holds `<|im_end|>` or `[/INST]` must not be able to end a turn, nor one that hides a mark inside a mark.
    """
    special = (str(token) for token in tokenizer.added_tokens_decoder.values() if token.special)
    marks = re.compile("|".join(re.escape(mark) for mark in (*special, *TURN_MARKS)))
    while marks.search(text):
        text = marks.sub("", text)
    return text


def prompt_ids(tokenizer: Tokenizer, conversation: Conversation) -> list[int]:
    """Ids of a conversation up to where the model's turn begins, the begin-of-text token included if the template has it."""
    safe = [{**message, "content": neutral(tokenizer, message["content"])} for message in conversation]
    text = tokenizer.apply_chat_template(safe, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def target_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of what the model is to write, with the end token it is to stop with."""
    return [*tokenizer(neutral(tokenizer, text), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def encode(tokenizer: Tokenizer, conversation: Conversation, target: str, row_id: str) -> Tokens:
    """A conversation and the model's turn as ids, with labels on the model's turn only."""
    prompt, wanted = prompt_ids(tokenizer, conversation), target_ids(tokenizer, target)
    return Tokens(row_id, prompt + wanted, [IGNORED] * len(prompt) + wanted)


def sides(example: Example, config: DataConfig) -> tuple[Conversation, str]:
    """Prompt and target of an example in the config's direction."""
    if config.direction == "backward":
        return backward(example.output, config.tagged), example.instruction
    return forward(example.instruction, [example.source] if config.tagged else []), example.output


def encode_examples(
    tokenizer: Tokenizer, examples: Sequence[Example], config: DataConfig
) -> tuple[list[Tokens], dict[str, int]]:
    """All examples that fit `config.max_length`, and how many were dropped or cut.

    Raises:
        ValueError: none fits.
    """
    kept, counts = [], {"too long": 0, "cut": 0}
    for example in examples:
        tokens = encode(tokenizer, *sides(example, config), example.id)
        if len(tokens.ids) > config.max_length and config.overlong != "drop":
            tokens = _cut(tokenizer, example, config)
            counts["cut"] += 1
        if len(tokens.ids) > config.max_length:
            counts["too long"] += 1
        else:
            kept.append(tokens)
    if not kept:
        raise ValueError(
            f"data.max_length={config.max_length}: none of {len(examples)} examples fits; raise it or set data.overlong"
        )
    return kept, {reason: count for reason, count in counts.items() if count}


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
