"""Residual dropout, which most classes of transformers have no switch for."""

from typing import Any

import torch

from humpback_exp.modeling.load import Model

ATTENTION = ("self_attn", "attention", "attn", "self_attention")
MLP = ("mlp", "feed_forward", "block_sparse_moe", "ffn")
"""What transformers' classes call the two branches of a layer."""


def add_dropout(model: Model, probability: float) -> None:
    """Residual dropout on the outputs of every layer's attention and MLP; most classes have no switch for it.

    Raises:
        ValueError: a layer has no attention or no MLP under a name known here.
    """
    if probability == 0:
        return

    def drop(module: torch.nn.Module, _: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (torch.nn.functional.dropout(output[0], probability, module.training), *output[1:])
        return torch.nn.functional.dropout(output, probability, module.training)

    for layer in decoder_layers(model):
        for names in (ATTENTION, MLP):
            branch = next((getattr(layer, name) for name in names if hasattr(layer, name)), None)
            if branch is None:
                raise ValueError(
                    f"model.dropout={probability}: a {type(layer).__name__} has none of {', '.join(names)} to put it "
                    "behind; set model.dropout=0"
                )
            branch.register_forward_hook(drop)


def decoder_layers(model: Model) -> torch.nn.ModuleList:
    """The layers of a model, whatever its class calls them."""
    lists = [module for module in model.get_decoder().children() if isinstance(module, torch.nn.ModuleList)]
    return max(lists, key=len)
