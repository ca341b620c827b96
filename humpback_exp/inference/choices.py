"""A few short choices in every way a tokenizer writes them, and the probability of each from those of single tokens."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Ids = tuple[int, ...]


@dataclass(slots=True, frozen=True)
class ChoiceTokens:
    """Choices as token sequences behind ids that all of them begin with."""

    shared: Ids
    """The assistant prefix, and whatever else every sequence begins with."""
    sequences: list[list[Ids]]
    """The different token sequences of every choice."""

    def prefixes(self) -> list[Ids]:
        """What to read behind `shared` so that every token of a sequence is predicted: the fewest prefixes, all longest ones."""
        heads = {ids[:-1] for choice in self.sequences for ids in choice}
        return sorted(head for head in heads if not any(head == other[: len(head)] for other in heads - {head}))

    def vocabulary(self) -> list[int]:
        """The token ids that occur in any sequence."""
        return sorted({token for choice in self.sequences for ids in choice for token in ids})

    def next_tokens(self) -> dict[Ids, list[int]]:
        """Each prefix, the empty one first -> the tokens that go on from it, for an engine that tells one next token a request."""
        found: dict[Ids, list[int]] = {}
        for ids in sorted((ids for choice in self.sequences for ids in choice), key=len):
            for place, token in enumerate(ids):
                tokens = found.setdefault(ids[:place], [])
                if token not in tokens:
                    tokens.append(token)
        return found

    def probabilities(self, probability: Callable[[Ids, int], float]) -> list[float]:
        """The probability of each choice: the sum over its sequences of the product over their tokens.

        Args:
            probability: of a token behind the given prefix.
        """
        return [
            sum(math.prod(probability(ids[:place], token) for place, token in enumerate(ids)) for ids in choice)
            for choice in self.sequences
        ]

    def from_logprobs(self, logprobs: Mapping[Ids, Mapping[int, float]]) -> list[float]:
        """The same from the log-probabilities of the tokens that `next_tokens` names for each prefix."""
        return self.probabilities(lambda prefix, token: _exp(logprobs[prefix][token]))


def _exp(logprob: float) -> float:
    """A probability; 0 where a model whose numbers overflowed tells none."""
    return 0.0 if math.isnan(logprob) else math.exp(logprob)


def tokenize_choices(
    encode: Callable[[str], Sequence[int]], choices: Sequence[str], assistant_prefix: str
) -> ChoiceTokens:
    """Tokenize each choice behind `assistant_prefix`, with a space between and without one.

    Args:
        encode: text -> ids, without begin and end tokens. Text is encoded as a whole, so that a tokenizer that merges
            across the seam, or marks the start of a word, writes as it would in running text.

    Raises:
        ValueError: two choices are one and the same to the tokenizer.
    """
    found = [{tuple(encode(assistant_prefix + gap + choice)) for gap in ("", " ")} for choice in choices]
    whole = sorted({ids for sequences in found for ids in sequences})
    if len(whole) < sum(map(len, found)):
        raise ValueError(f"choices={list(choices)}: the tokenizer writes two of them alike; use other ones")
    length = common_length(whole)
    return ChoiceTokens(whole[0][:length], [sorted(ids[length:] for ids in sequences) for sequences in found])


def common_length(rows: Sequence[Any]) -> int:
    """How many ids all rows begin with, short of a whole row."""
    first, last, most = min(rows), max(rows), min(map(len, rows)) - 1
    return next((k for k in range(most) if first[k] != last[k]), most)
