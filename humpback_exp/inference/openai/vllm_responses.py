"""What an answer of vLLM's server holds: the loss of a row, the probabilities of its choices."""

import math
from collections.abc import Sequence
from typing import Any

from humpback_exp.curation.parsing import ROUNDING
from humpback_exp.inference.openai.errors import Failed, not_supported
from humpback_exp.inference.openai.responses import probability


def probabilities_of(value: Any, count: int) -> list[float]:
    """What an answer to a question of choices is worth: nan for each beyond the context, 0 for a row that was given up."""
    if isinstance(value, Failed):
        return [0.0] * count
    return [math.nan] * count if value is None else value


def loss_of(value: Any, ids: Any) -> tuple[float, int]:
    """The loss of a row and its tokens, from its answer or what stands for that."""
    if value is None or ids is None:
        return math.nan, 0
    if isinstance(value, float):
        return value, len(ids)
    return math.nan, len(ids) if isinstance(ids, list) else 1


def logprobs_of(answer: Any, tokens: Sequence[int]) -> list[float]:
    """Log-probability of each of `tokens` at the first place written, from keys such as `token_id:17`."""
    top = answer["choices"][0]["logprobs"]["top_logprobs"][0]
    if not {f"token_id:{token}" for token in tokens} <= top.keys():
        raise not_supported("no log-probabilities of the tokens in logprob_token_ids, as vLLM's current server does")
    logprobs = [float(top[f"token_id:{token}"]) for token in tokens]
    if sum(map(probability, logprobs)) > 1 + ROUNDING:
        raise ValueError("the probabilities of tokens sum to more than 1")
    return logprobs
