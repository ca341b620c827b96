"""Residual dropout, which most classes of transformers have no switch for, in the place of what a model's own config asks for."""

import re
from typing import Any

import torch

from humpback_exp.modeling.load import Model, model_config

OWN = re.compile(r"(?:drop|dropout|pdrop|layerdrop)(?:_prob)?$")
ATTENTION = ("self_attn", "attention", "attn", "self_attention")
MLP = ("mlp", "feed_forward", "block_sparse_moe", "ffn")
"""What transformers' classes call the two branches of a layer."""


def without_own(path: str) -> Any:
    """The config of the model at `path` with every dropout of its own at 0: `model.dropout` alone says what a training drops.

    Many classes come with 0.1 on residuals, embeddings and attention (GPT-2, OPT, BLOOM, Starcoder2).
    """
    config = model_config(path)
    for part in (config, config.get_text_config()):
        for name, value in part.to_dict().items():
            if OWN.search(name) and isinstance(value, float):
                setattr(part, name, 0.0)
    return config


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
