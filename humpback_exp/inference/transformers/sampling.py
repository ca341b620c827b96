"""Nucleus sampling with one random stream a row: a row's tokens do not depend on which rows share its batch."""

import numpy as np
import torch

from humpback_exp.config import GenerationConfig

CANDIDATES = 256
"""Tokens looked at first; only where the nucleus is wider, or ends among equals of the last, are all sorted."""


def next_tokens(logits: torch.Tensor, sampling: GenerationConfig, streams: list[np.random.Generator]) -> torch.Tensor:
    """The next token of every row.

    Args:
        logits: [rows, vocabulary].
        streams: one generator a row; each gives one number a call.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.float() / sampling.temperature, -1)
    width = min(CANDIDATES, probabilities.shape[-1])
    ids = probabilities.topk(width, -1, sorted=False).indices.sort(-1).values
    # Equals by their ids, as a sort of all has them: bf16 makes many, and neighbours decide which of the two is done.
    top, order = probabilities.gather(-1, ids).sort(dim=-1, descending=True, stable=True)
    ids = ids.gather(-1, order)
    if bool(((top * (top > top[:, -1:])).sum(-1) < sampling.top_p).any()):
        top, ids = probabilities.sort(dim=-1, descending=True, stable=True)
    cumulative = top.double().cumsum(-1)
    nucleus = (
        (cumulative - top < sampling.top_p).sum(-1, keepdim=True).clamp(min=1)
    )  # 0 where the logits are no numbers
    mass = cumulative.gather(-1, nucleus - 1)
    drawn = torch.tensor([[stream.random()] for stream in streams], dtype=torch.float64, device=logits.device)
    place = torch.searchsorted(cumulative, drawn * mass, right=True)
    return ids.gather(-1, torch.minimum(place, nucleus - 1)).squeeze(-1)
