"""Two models on one prompt: do their logits agree, and does one write greedily what the other would?

docs/export.md gives the reasons for the bounds and what was measured.
"""

import math

import torch

from humpback_exp.modeling.load import Model

NEW_TOKENS = 8
"""Greedy tokens the folder writes after each prompt."""
PER_LAYER = {torch.bfloat16: 2.0**-6, torch.float32: 2.0**-18}
"""How much of a layer's results may be rounding, when it is computed twice in this dtype by another order of sums."""


def allowed(layers: int, dtype: torch.dtype) -> float:
    """How far logits computed in `dtype` may differ, as a share of their spread: layers' errors add up with their root."""
    return PER_LAYER[dtype] * math.sqrt(layers)


@torch.no_grad()
def write_greedily(model: Model, ids: list[int]) -> list[int]:
    """The prompt and the `NEW_TOKENS` tokens that the model goes on with by itself, or fewer if it stops."""
    start = torch.tensor([ids], device=model.device)
    tokens = model.generate(start, attention_mask=torch.ones_like(start), do_sample=False, max_new_tokens=NEW_TOKENS)
    return tokens[0].tolist()


@torch.no_grad()
def logits_of(model: Model, ids: list[int]) -> torch.Tensor:
    """Logits (tokens, vocabulary), in fp32 on the CPU, after each of the tokens."""
    return model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0].float().cpu()


def centred(logits: torch.Tensor) -> torch.Tensor:
    """Logits around the mean of their row: what all of a row share changes no probability."""
    return logits - logits.mean(-1, keepdim=True)


def spread(logits: torch.Tensor) -> float:
    """Root mean square of centred logits."""
    return float(centred(logits).square().mean().sqrt())


def difference(theirs: torch.Tensor, ours: torch.Tensor) -> float:
    """Spread of the difference, as a share of the spread of ours."""
    return spread(theirs - ours) / spread(ours)


def check_outputs(
    text: str, start: int, tokens: list[int], theirs: torch.Tensor, ours: torch.Tensor, bound: float
) -> float:
    """Raise unless the `difference` is within `bound` and tokens from `start` on are the best of ours.

    A token counts as the best where both logits may be off by the bound and then tie.

    Returns:
        The difference.
    """
    found = difference(theirs, ours)
    if not found <= bound:
        place, token = (int(i) for i in torch.unravel_index(centred(theirs - ours).abs().argmax(), ours.shape))
        raise ValueError(
            f"prompt '{text}': logits differ by {found:.3g} of their spread, at most {bound:.3g} may, most after token "
            f"{place}: {theirs[place, token]:.5g} in the folder, {ours[place, token]:.5g} in training for token {token}"
        )
    slack = 2 * bound * spread(ours)
    for place in range(start, len(tokens)):
        row, token = ours[place - 1], tokens[place]
        behind = float(row.max() - row[token])
        if behind > slack:
            raise ValueError(
                f"prompt '{text}': greedy token {place} is {token} in the folder, {int(row.argmax())} in training, "
                f"where its logit is {behind:.3g} less; at most {slack:.3g} may be"
            )
    return found
