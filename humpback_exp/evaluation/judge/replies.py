"""What a judge's reply says. Only the reply is read, never the prompt, and a reply that is not clear says nothing."""

import ast
import math
import re
from collections.abc import Sequence
from typing import Any

from humpback_exp.completions import Completion

LISTS = re.compile(r"\[\s*\{[^\[\]]*\}\s*,?\s*\]")
"""Lists of objects, as AlpacaEval's ranking prompt asks for."""


def share_of_choices(probabilities: Sequence[float]) -> float | None:
    """The probability of the answer shown first among both; None where neither has any, or what is told is no number."""
    mass = math.fsum(probabilities)
    return probabilities[0] / mass if 0 < mass < math.inf else None


def share_of_ranking(completion: Completion, labels: Sequence[str]) -> float | None:
    """1 where the answer shown first is ranked higher, 0 where the other is, 0.5 where they are equal.

    None where the reply was cut off or refused, ranks nothing, or says two things.
    """
    if completion.unusable or completion.unfinished:
        return None
    reply = completion.answer
    said = {_from_ranks(found, labels) for found in LISTS.findall(reply)} or {_from_line(reply, labels)}
    return said.pop() if len(said) == 1 else None


def _from_line(reply: str, labels: Sequence[str]) -> float | None:
    """Of a last line such as `Ranking: 1 > 2`."""
    first, second = map(re.escape, labels)
    last = reply.strip().rpartition("\n")[2].strip(" *`.")
    found = re.fullmatch(rf"(?i:Ranking):[ *]*({first}|{second}) *([>=]) *({first}|{second})", last)
    if found is None or found[1] == found[3]:
        return None
    return 0.5 if found[2] == "=" else float(found[1] == labels[0])


def _from_ranks(text: str, labels: Sequence[str]) -> float | None:
    """Of a list such as `[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]`."""
    try:
        rows: list[Any] = ast.literal_eval(text)
        ranks = {row["model"]: int(row["rank"]) for row in rows}
    except (ValueError, SyntaxError, KeyError, TypeError, OverflowError, RecursionError, MemoryError):
        return None
    if len(rows) != 2 or ranks.keys() != set(labels):
        return None
    first, second = (ranks[label] for label in labels)
    return 0.5 if first == second else float(first < second)
