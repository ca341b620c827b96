"""The loss, computed only where there is a label: the output projection never sees other positions."""

import torch
from torch.nn import functional

from humpback_exp.data.tokens import IGNORED
from humpback_exp.modeling.load import Model


def label_losses(model: Model, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Negative log-likelihood of every labelled token, in fp32 nats.

    Args:
        batch: `input_ids`, `attention_mask` and `labels`, each (rows, width); labels in place, shifted here.

    Returns:
        Losses (labelled,), and the row each belongs to (labelled,).
    """
    body, head = model.get_decoder(), model.get_output_embeddings()
    hidden = body(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)[0]
    wanted = batch["labels"][:, 1:]
    rows, positions = torch.nonzero(wanted != IGNORED, as_tuple=True)
    logits = head(hidden[rows, positions])
    return functional.cross_entropy(logits.float(), wanted[rows, positions], reduction="none"), rows


def row_losses(model: Model, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed loss (rows,) and number of labelled tokens (rows,) of every row."""
    losses, rows = label_losses(model, batch)
    count = batch["input_ids"].shape[0]
    sums = torch.zeros(count, dtype=losses.dtype, device=losses.device).index_add_(0, rows, losses)
    return sums, torch.bincount(rows, minlength=count)


def next_token_logits(model: Model, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits (rows, vocabulary), in fp32, of the token after the last unpadded one of every row."""
    hidden = model.get_decoder()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)[
        0
    ]
    last = batch["attention_mask"].sum(-1) - 1
    return model.get_output_embeddings()(hidden[torch.arange(len(last), device=last.device), last]).float()
