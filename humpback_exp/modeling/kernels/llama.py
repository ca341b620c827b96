"""Llama's layers for training: the same arithmetic as transformers', with fewer passes over memory and less kept for backward.

Norms compute in fp32 and hand on the compute dtype, so that no projection casts its input again; rotation and the gated
unit have gradients of their own instead of a chain of elementwise operations.
"""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional
from transformers.models.llama.modeling_llama import (
    ALL_ATTENTION_FUNCTIONS,
    LlamaAttention,
    LlamaMLP,
    LlamaRMSNorm,
    eager_attention_forward,
)

from humpback_exp.modeling.load import Model


def fuse(model: Model) -> None:
    """Give a Llama's norms, attentions and MLPs these forwards; models of other classes keep the library's."""
    forwards: dict[type, Any] = {LlamaRMSNorm: norm, LlamaAttention: _attention, LlamaMLP: _mlp}
    for module in model.modules():
        if type(module) is LlamaMLP and not is_swiglu(module):
            continue
        if type(module) in forwards:
            module.forward = MethodType(forwards[type(module)], module)


def is_swiglu(mlp: LlamaMLP) -> bool:
    """Whether an MLP's activation is the one that `SwiGLU` computes; `hidden_act` may name another."""
    return isinstance(mlp.act_fn, torch.nn.SiLU)


def compute_dtype(tensor: torch.Tensor) -> torch.dtype:
    """What matrix products of `tensor` compute in: autocast's dtype where it is on."""
    device = tensor.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else tensor.dtype


def norm(self: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    """The forward of a LlamaRMSNorm, in training and inference alike."""
    if hidden_states.is_cuda:  # one kernel each way
        out = functional.rms_norm(hidden_states, self.weight.shape, self.weight, self.variance_epsilon)
        return out.to(compute_dtype(hidden_states))
    return RMSNorm.apply(hidden_states, self.weight, self.variance_epsilon)


def _mlp(self: Any, x: torch.Tensor) -> torch.Tensor:
    return self.down_proj(SwiGLU.apply(self.gate_proj(x), self.up_proj(x)))


def _attention(
    self: Any,
    hidden_states: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    attention_mask: torch.Tensor | None = None,
    past_key_values: None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    assert past_key_values is None, "training keeps no cache"
    shape = (*hidden_states.shape[:-1], -1, self.head_dim)
    query, key, value = (
        project(hidden_states).view(shape).transpose(1, 2) for project in (self.q_proj, self.k_proj, self.v_proj)
    )
    query, key = (RotaryEmbedding.apply(part, *position_embeddings) for part in (query, key))
    kernel = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention_forward)
    dropout = self.attention_dropout if self.training else 0.0
    out, _ = kernel(self, query, key, value, attention_mask, dropout=dropout, scaling=self.scaling, **others)
    return self.o_proj(out.reshape(*hidden_states.shape[:-1], -1)), None


class RMSNorm(torch.autograd.Function):
    """Root mean square norm in fp32, its result in the compute dtype."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        x32 = x.float()
        scale = torch.linalg.vector_norm(x32, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        normal = x32 * scale
        ctx.save_for_backward(normal, weight, scale)
        ctx.dtype = x.dtype
        return (normal * weight).to(compute_dtype(x))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        normal, weight, scale = ctx.saved_tensors
        grad_output = grad_outputs[0].float()
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = (grad_output * normal).flatten(0, -2).sum(0).to(weight.dtype)
        grad_normal = grad_output * weight
        # the part of the gradient along `normal` itself only changes the length, which the norm removes
        along = (grad_normal * normal).mean(-1, keepdim=True)
        return torch.addcmul(grad_normal, normal, along, value=-1).mul_(scale).to(ctx.dtype), grad_weight, None


class SwiGLU(torch.autograd.Function):
    """silu(gate) * up; the backward pass makes silu again instead of keeping it."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(gate, up)
        return functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate, up = ctx.saved_tensors
        grad_gate = torch.ops.aten.silu_backward(grad_outputs[0] * up, gate)
        return grad_gate, functional.silu(gate).mul_(grad_outputs[0])


class RotaryEmbedding(torch.autograd.Function):
    """Rotary position embedding of [rows, heads, tokens, head_dim] in the input's dtype; its gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        half = x.shape[-1] // 2
        ctx.save_for_backward(*(part[:, None, :, :half].to(x.dtype) for part in (cos, sin)))
        return _rotate(x, *ctx.to_save)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotate(grad_outputs[0], cos, -sin), None, None


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    left, right = x.chunk(2, -1)
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    first, second = out.chunk(2, -1)
    torch.mul(left, cos, out=first).addcmul_(right, sin, value=-1)
    torch.mul(right, cos, out=second).addcmul_(left, sin)
    return out
