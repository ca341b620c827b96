"""Llama's layers for inference: fewer and larger matrix products than the library's, the same results."""

from types import MethodType
from typing import Any

import torch
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaMLP, LlamaRMSNorm

from humpback_exp.inference.transformers.cached_attention import attend
from humpback_exp.modeling.kernels.llama import RotaryEmbedding, SwiGLU, is_swiglu, norm
from humpback_exp.modeling.load import Model


def fuse(model: Model) -> None:
    """Join a Llama's projections that read the same input; models of other classes keep the library's layers.

    The joined weights take the place of the single ones, which become views of them.
    """
    for module in model.modules():
        if type(module) is LlamaRMSNorm:
            module.forward = MethodType(norm, module)
        if type(module) is LlamaAttention and module.q_proj.bias is None:
            module.joined = _joined(module.q_proj, module.k_proj, module.v_proj)
            module.forward = MethodType(_attention, module)
        if type(module) is LlamaMLP and module.gate_proj.bias is None and is_swiglu(module):
            module.joined = _joined(module.gate_proj, module.up_proj)
            module.forward = MethodType(_mlp, module)


def _joined(*projections: torch.nn.Linear) -> torch.Tensor:
    weight = torch.cat([projection.weight.data for projection in projections])
    sizes = [projection.out_features for projection in projections]
    for projection, part in zip(projections, weight.split(sizes), strict=True):
        projection.weight.data = part
    return weight


def _mlp(self: Any, x: torch.Tensor) -> torch.Tensor:
    return self.down_proj(SwiGLU.apply(*functional.linear(x, self.joined).chunk(2, -1)))


def _attention(
    self: Any,
    hidden_states: torch.Tensor,
    position_embeddings: tuple[torch.Tensor, torch.Tensor],
    attention_mask: torch.Tensor | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    parts = functional.linear(hidden_states, self.joined).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
    kv_heads = self.config.num_key_value_heads
    rotated, value = parts.split([parts.shape[1] - kv_heads, kv_heads], 1)
    rotated = RotaryEmbedding.apply(rotated, *position_embeddings)  # queries and keys at once
    query, key = rotated.split([rotated.shape[1] - kv_heads, kv_heads], 1)
    out, _ = attend(self, query, key, value, attention_mask, scaling=self.scaling)
    return self.o_proj(out.reshape(*hidden_states.shape[:-1], -1)), None
