"""LoRA's projections for training: what peft computes, without copies of the input and passes over the output.

peft casts the input to the adapters' fp32 and, under autocast, back again, scales the adapters' output and adds it in a pass
each. Here the adapters compute in the projection's dtype and are added by the product itself, which sums in fp32.
"""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional

from humpback_exp.modeling.kernels.llama import compute_dtype
from humpback_exp.modeling.load import Model

ADAPTER = "default"
"""peft's name of an adapter that was given none."""


def fuse(model: Model) -> None:
    """Give a model's adapted linear layers this forward; not for ZeRO-3, which gathers weights when their module is called."""
    from peft.tuners.lora import Linear

    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is torch.nn.Linear:
            module.forward = MethodType(_forward, module)


def _forward(self: Any, x: torch.Tensor) -> torch.Tensor:
    base, down, up = self.base_layer, self.lora_A[ADAPTER].weight, self.lora_B[ADAPTER].weight
    rows = x.reshape(-1, base.in_features)
    out = AdaptedLinear.apply(rows, base.weight, base.bias, down, up, self.scaling[ADAPTER])
    return out.view(*x.shape[:-1], base.out_features)  # a view made inside could not be changed in place, as OLMo does


class AdaptedLinear(torch.autograd.Function):
    """x (weight + scaling up down)^T + bias, for a frozen weight and bias."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        """x [rows, in], weight [out, in], bias [out], down [rank, in], up [out, rank] -> [rows, out] in the compute dtype."""
        dtype = compute_dtype(x)
        inputs, weight, down, up = (tensor.to(dtype) for tensor in (x, weight, down, up))
        low = inputs @ down.T
        out = functional.linear(inputs, weight, None if bias is None else bias.to(dtype))
        out.addmm_(low, up.T, alpha=scaling)
        ctx.save_for_backward(inputs, weight, down, up, low)
        ctx.scaling, ctx.dtype = scaling, x.dtype
        return out

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        inputs, weight, down, up, low = ctx.saved_tensors
        grad = grad_outputs[0].to(inputs.dtype)
        grad_low = (grad @ up).mul_(ctx.scaling)
        grad_down, grad_up = grad_low.T @ inputs, (grad.T @ low).mul_(ctx.scaling)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad @ weight).addmm_(grad_low, down).to(ctx.dtype)
        return grad_x, None, None, grad_down.float(), grad_up.float(), None
