"""The loss, computed only where there is a label and in chunks: the logits of a batch never exist at once."""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional

from humpback_exp.data.tokenize import IGNORED
from humpback_exp.modeling.kernels.llama import compute_dtype
from humpback_exp.modeling.kernels.logit_scaling import LogitScaling, logit_scaling
from humpback_exp.modeling.kernels.padding_free_attention import concatenated
from humpback_exp.modeling.load import Model

CHUNK = 512
"""Labelled tokens whose logits exist at one time: 512 x 32,000 in fp32 are 66 MB."""


class SummedLoss(torch.autograd.Function):
    """Cross entropy of a linear projection, summed; its gradients are made chunk by chunk in the forward pass.

    That costs no second projection, and leaves of the logits nothing to keep for the backward pass. The gradients of the
    projection are summed over chunks in fp32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        scaling: LogitScaling,
    ) -> torch.Tensor:
        """hidden [labelled, hidden], weight [vocabulary, hidden], bias [vocabulary], targets [labelled] -> a scalar."""
        dtype = compute_dtype(hidden)
        inputs, projection = hidden.to(dtype), weight.to(dtype)
        total = torch.zeros((), device=hidden.device)
        grad_input = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        grad_weight = grad_bias = None
        for start in range(0, len(targets), CHUNK):
            part = slice(start, start + CHUNK)
            logits = _logits(inputs[part], projection, bias, scaling)
            log_p = torch.log_softmax(logits, -1, dtype=torch.float32)
            wanted = targets[part, None]
            total -= log_p.gather(1, wanted).sum()
            if not any(ctx.needs_input_grad):
                continue
            # the gradient of cross entropy: the probabilities, less 1 at the target
            grad_logits = log_p.exp_().scatter_add_(1, wanted, log_p.new_full(wanted.shape, -1))
            grad_logits = scaling.backward_(grad_logits, logits)
            if ctx.needs_input_grad[2]:
                grad_bias = _added(grad_bias, grad_logits.sum(0))
            grad_logits = grad_logits.to(dtype)
            if grad_input is not None:
                torch.mm(grad_logits, projection, out=grad_input[part])
            if ctx.needs_input_grad[1]:
                grad_weight = _added(grad_weight, grad_logits.T @ inputs[part])
            del logits, log_p, grad_logits  # they would stand in memory beside those of the next chunk
        ctx.save_for_backward(grad_input, _like(grad_weight, weight), _like(grad_bias, bias))
        ctx.hidden_dtype = hidden.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grad_input, grad_weight, grad_bias = ctx.saved_tensors
        return (
            None if grad_input is None else (grad_input * grad_outputs[0]).to(ctx.hidden_dtype),
            None if grad_weight is None else grad_weight.mul_(grad_outputs[0]),
            None if grad_bias is None else grad_bias.mul_(grad_outputs[0]),
            None,
            None,
        )


def _logits(
    inputs: torch.Tensor, projection: torch.Tensor, bias: torch.Tensor | None, scaling: LogitScaling
) -> torch.Tensor:
    """[labelled, hidden] -> [labelled, vocabulary], in fp32 where they are scaled."""
    logits = functional.linear(inputs, projection, None if bias is None else bias.to(inputs.dtype))
    return logits if scaling == LogitScaling() else scaling.apply_(logits.float())


def _added(total: torch.Tensor | None, part: torch.Tensor) -> torch.Tensor:
    return part.float() if total is None else total.add_(part)


def _like(gradient: torch.Tensor | None, parameter: torch.Tensor | None) -> torch.Tensor | None:
    return None if gradient is None or parameter is None else gradient.to(parameter.dtype)


def chunk_loss(model: Model) -> None:
    """Let the model's output projection, given targets, return their summed loss instead of logits.

    It stays a call of the module, so that ZeRO-3 gathers its weight.
    """
    head, scaling = model.get_output_embeddings(), logit_scaling(model)

    def forward(self: torch.nn.Linear, hidden: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        if targets is None:
            return functional.linear(hidden, self.weight, self.bias)
        return SummedLoss.apply(hidden, self.weight, self.bias, targets, scaling)

    head.forward = MethodType(forward, head)


def labelled(model: Model, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """What predicts a label: hidden states [labelled, hidden] and their targets [labelled].

    Args:
        batch: `input_ids` and `labels`, labels in place, shifted here; `attention_mask` if padded, `position_ids` and
            `lengths` if concatenated (`data.loader`).
    """
    inputs = {name: batch[name] for name in ("attention_mask", "position_ids") if name in batch}
    with concatenated(batch.get("lengths", ())):
        hidden = model.get_decoder()(input_ids=batch["input_ids"], use_cache=False, **inputs)[0]
    wanted = batch["labels"][:, 1:]
    places = torch.nonzero(wanted != IGNORED, as_tuple=True)
    return hidden[places], wanted[places]


def summed_loss(model: Model, batch: dict[str, Any]) -> torch.Tensor:
    """Negative log-likelihood of all labelled tokens together, in fp32 nats; for a model under `chunk_loss`."""
    return model.get_output_embeddings()(*labelled(model, batch))


def output_logits(model: Model, hidden: torch.Tensor) -> torch.Tensor:
    """Logits in fp32, as the model's own forward scales them: [tokens, hidden] -> [tokens, vocabulary]."""
    return logit_scaling(model).apply_(model.get_output_embeddings()(hidden).float())


def token_losses(model: Model, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood in fp32 nats of the label that each hidden state predicts, 0 where it is ignored.

    Args:
        hidden: [tokens, hidden].
        labels: [tokens].
    """
    losses = torch.zeros(labels.shape, device=hidden.device)
    for places in torch.nonzero(labels != IGNORED)[:, 0].split(CHUNK):
        logits = output_logits(model, hidden[places])
        losses[places] = functional.cross_entropy(logits, labels[places], reduction="none")
    return losses
