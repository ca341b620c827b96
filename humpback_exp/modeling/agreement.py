"""Two models on one prompt: do their logits agree, and does one write greedily what the other would?

docs/export.md gives the reasons for the bounds and what was measured.
"""

import math

import torch

from humpback_exp.modeling.load import Model

NEW_TOKENS = 8
"""Greedy tokens the folder writes after each prompt."""
OF_WEIGHTS = {torch.bfloat16: 2.0**-7, torch.float32: 2.0**-23}
"""How much of a layer's results may come from rounding its weights to this dtype: two roundings to nearest."""
OF_RESULTS = {torch.bfloat16: 2.0**-5, torch.float32: 2.0**-18}
"""The same for computing a layer twice in this dtype, by another order of sums."""


def allowed(layers: int, computed: torch.dtype, written: torch.dtype) -> float:
    """How far logits may differ, as a share of their spread: the errors of `layers` layers add up with its root."""
    return (OF_WEIGHTS[written] + OF_RESULTS[computed]) * math.sqrt(layers)


@torch.no_grad()
def run_both(loaded: Model, trained: Model, ids: list[int]) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """The prompt and what the folder's model goes on with greedily, and the logits (tokens, vocabulary) of both models."""
    start = torch.tensor([ids], device=loaded.device)
    tokens = loaded.generate(start, attention_mask=torch.ones_like(start), do_sample=False, max_new_tokens=NEW_TOKENS)
    theirs, ours = (model(input_ids=tokens, use_cache=False).logits[0].float() for model in (loaded, trained))
    return tokens[0].tolist(), theirs, ours


def check_outputs(
    text: str, start: int, tokens: list[int], theirs: torch.Tensor, ours: torch.Tensor, bound: float
) -> float:
    """Raise unless logits are close and tokens from `start` on are the best of ours, but for ties within the bound.

    Returns:
        Root mean square of the logits' differences over that of our logits around their mean.
    """
    spread = float((ours - ours.mean(-1, keepdim=True)).square().mean().sqrt())
    difference = float((theirs - ours).square().mean().sqrt()) / spread
    if not difference <= bound:
        place, token = (int(i) for i in torch.unravel_index((theirs - ours).abs().argmax(), ours.shape))
        raise ValueError(
            f"prompt '{text}': logits differ by {difference:.3g} of their spread, at most {bound:.3g} may, most after token "
            f"{place}: {theirs[place, token]:.5g} in the folder, {ours[place, token]:.5g} in training for token {token}"
        )
    for place in range(start, len(tokens)):
        row, token = ours[place - 1], tokens[place]
        behind = float(row.max() - row[token])
        if behind > 2 * bound * spread:
            raise ValueError(
                f"prompt '{text}': greedy token {place} is {token} in the folder, {int(row.argmax())} in training, "
                f"where its logit is {behind:.3g} less; at most {2 * bound * spread:.3g} may be"
            )
    return difference
