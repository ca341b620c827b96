"""The loss, computed only where there is a label and in chunks: the logits of a batch never exist at once."""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional

from humpback_exp.data.tokenize import IGNORED
from humpback_exp.modeling.kernels.llama import compute_dtype
from humpback_exp.modeling.load import Model

CHUNK = 512
"""Labelled tokens whose logits exist at one time: 512 x 32,000 in fp32 are 66 MB."""


class SummedLoss(torch.autograd.Function):
    """Cross entropy of a linear projection, summed; both gradients are made chunk by chunk in the forward pass.

    That costs no second projection, and leaves of the logits nothing to keep for the backward pass. The gradient of the
    projection is summed over chunks in fp32.
    """

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        dtype = compute_dtype(hidden)
        inputs, projection = hidden.to(dtype), weight.to(dtype)
        total = torch.zeros((), device=hidden.device)
        grad_input = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        grad_weight: torch.Tensor | None = None
        for start in range(0, len(targets), CHUNK):
            part = slice(start, start + CHUNK)
            log_p = torch.log_softmax(inputs[part] @ projection.T, -1, dtype=torch.float32)
            wanted = targets[part, None]
            total -= log_p.gather(1, wanted).sum()
            if not any(ctx.needs_input_grad):
                continue
            # the gradient of cross entropy: the probabilities, less 1 at the target
            grad_logits = log_p.exp_().scatter_add_(1, wanted, log_p.new_full(wanted.shape, -1)).to(dtype)
            if grad_input is not None:
                torch.mm(grad_logits, projection, out=grad_input[part])
            if ctx.needs_input_grad[1]:
                product = grad_logits.T @ inputs[part]
                grad_weight = product.float() if grad_weight is None else grad_weight.add_(product)
        ctx.save_for_backward(grad_input, None if grad_weight is None else grad_weight.to(weight.dtype))
        ctx.hidden_dtype = hidden.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        grad_input, grad_weight = ctx.saved_tensors
        return (
            None if grad_input is None else (grad_input * grad_outputs[0]).to(ctx.hidden_dtype),
            None if grad_weight is None else grad_weight.mul_(grad_outputs[0]),
            None,
        )


def chunk_loss(model: Model) -> None:
    """Let the model's output projection, given targets, return their summed loss instead of logits.

    It stays a call of the module, so that ZeRO-3 gathers its weight.
    """

    def forward(self: torch.nn.Linear, hidden: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        if targets is None:
            return functional.linear(hidden, self.weight)
        return SummedLoss.apply(hidden, self.weight, targets)

    head = model.get_output_embeddings()
    head.forward = MethodType(forward, head)


def labelled(model: Model, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """What predicts a label: hidden states [labelled, hidden] and their targets [labelled].

    Args:
        batch: `input_ids` and `labels`, labels in place, shifted here; `attention_mask` if padded, `position_ids` and
            `lengths` if concatenated (`data.loader`).
    """
    inputs = {name: batch[name] for name in ("attention_mask", "position_ids", "lengths") if name in batch}
    hidden = model.get_decoder()(input_ids=batch["input_ids"], use_cache=False, **inputs)[0]
    wanted = batch["labels"][:, 1:]
    places = torch.nonzero(wanted != IGNORED, as_tuple=True)
    return hidden[places], wanted[places]


def summed_loss(model: Model, batch: dict[str, Any]) -> torch.Tensor:
    """Negative log-likelihood of all labelled tokens together, in fp32 nats; for a model under `chunk_loss`."""
    return model.get_output_embeddings()(*labelled(model, batch))


def token_losses(model: Model, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood in fp32 nats of the label that each hidden state predicts, 0 where it is ignored.

    Args:
        hidden: [tokens, hidden].
        labels: [tokens].
    """
    losses = torch.zeros(labels.shape, device=hidden.device)
    for places in torch.nonzero(labels != IGNORED)[:, 0].split(CHUNK):
        logits = model.get_output_embeddings()(hidden[places]).float()
        losses[places] = functional.cross_entropy(logits, labels[places], reduction="none")
    return losses
