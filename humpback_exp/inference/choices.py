"""Choices as token sequences, for any tokenizer: every spelling of each, and what a model must tell to weigh them.

`Score:` may be followed by `4` or by ` 4`; a tokenizer makes one token or several of either. The spellings form a tree of
prefixes; the probability of a choice is the sum over its spellings of the product along the branch.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix

Ids = tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Spellings:
    """What all spellings begin with, and the token sequences of each choice that may follow it."""

    shared: Ids
    options: list[list[Ids]]

    def followers(self) -> dict[Ids, list[int]]:
        """Each prefix (the empty one first) at which spellings part or go on -> the tokens they go on with."""
        found: dict[Ids, dict[int, None]] = {}
        for ids in sorted((ids for spelled in self.options for ids in spelled), key=len):
            for place, token in enumerate(ids):
                found.setdefault(ids[:place], {})[token] = None
        return {prefix: list(found[prefix]) for prefix in sorted(found, key=len)}

    def probabilities(self, logprobs: Mapping[Ids, Mapping[int, float]]) -> list[float]:
        """Probability of each choice, from the log-probabilities of the followers of each prefix."""
        return [math.fsum(_probability(ids, logprobs) for ids in spelled) for spelled in self.options]


def spellings(tokenize: Callable[[str], Iterable[int]], choices: Sequence[str], opening: str) -> Spellings:
    """Token sequences of `opening` with each choice right behind it and behind a space; those that coincide count once."""
    spelled = [list(dict.fromkeys(tuple(tokenize(opening + gap + choice)) for gap in ("", " "))) for choice in choices]
    everything = [ids for options in spelled for ids in options]
    shared = tuple(commonprefix(everything))[: min(map(len, everything)) - 1]
    return Spellings(shared, [[ids[len(shared) :] for ids in options] for options in spelled])


def _probability(ids: Ids, logprobs: Mapping[Ids, Mapping[int, float]]) -> float:
    return math.exp(sum(logprobs[ids[:place]][token] for place, token in enumerate(ids)))
