"""Two models on one prompt: do their logits agree, and does one write greedily what the other would?

docs/export.md gives the reasons for the bounds and what was measured.
"""

import math

import torch
from torch.nn.utils.rnn import pad_sequence

from humpback_exp.modeling.load import Model, Tokenizer

NEW_TOKENS = 8
"""Greedy tokens the folder writes after each prompt."""
PER_LAYER = {torch.bfloat16: 2.0**-6, torch.float32: 2.0**-18}
"""How much of a layer's results may be rounding, when it is computed twice in this dtype by another order of sums."""


def allowed(layers: int, dtype: torch.dtype) -> float:
    """How far logits computed in `dtype` may differ, as a share of their spread: layers' errors add up with their root."""
    return PER_LAYER[dtype] * math.sqrt(layers)


@torch.no_grad()
def write_greedily(model: Model, tokenizer: Tokenizer, prompts: list[list[int]]) -> list[list[int]]:
    """Prompts with the `NEW_TOKENS` tokens that the model goes on with by itself, or fewer up to the end token."""
    batch = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt").to(model.device)
    tokens = model.generate(**batch, do_sample=False, max_new_tokens=NEW_TOKENS)
    written = tokens[:, batch["input_ids"].shape[1] :].tolist()
    ends = [ids.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in ids else len(ids) for ids in written]
    return [prompt + ids[:end] for prompt, ids, end in zip(prompts, written, ends, strict=True)]


@torch.no_grad()
def logits_of(model: Model, rows: list[list[int]]) -> list[torch.Tensor]:
    """Logits [tokens, vocabulary] of every row, in fp32 on the CPU; no token sees the padding behind its row."""
    ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True).to(model.device)
    logits = model(input_ids=ids, use_cache=False).logits
    return [each[: len(row)].float().cpu() for row, each in zip(rows, logits, strict=True)]


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
