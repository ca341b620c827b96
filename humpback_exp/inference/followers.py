"""Spellings of choices as questions for an engine that tells the next token only: behind which ids, and which tokens."""

import math
from collections.abc import Mapping

from humpback_exp.inference.choices import Ids, Spellings


def followers(spelled: Spellings) -> dict[Ids, list[int]]:
    """Each prefix at which spellings part or go on, the empty one first -> the tokens they go on with."""
    found: dict[Ids, list[int]] = {}
    for spelling in sorted((ids for choice in spelled.choices for ids in choice), key=len):
        for place, token in enumerate(spelling):
            tokens = found.setdefault(spelling[:place], [])
            if token not in tokens:
                tokens.append(token)
    return found


def weighed(spelled: Spellings, told: Mapping[Ids, Mapping[int, float]]) -> list[float]:
    """Probability of each choice, from the log-probabilities of the followers of each prefix."""
    return spelled.weigh(lambda prefix, token: math.exp(told[prefix][token]))
