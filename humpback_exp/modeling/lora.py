"""LoRA through peft, on projections of the layers only, and never on fewer than were asked for without a word."""

import re
from collections.abc import Iterable

import torch

from humpback_exp.config import AdapterConfig
from humpback_exp.modeling.load import Model
from humpback_exp.progress import log


def with_lora(model: Model, adapter: AdapterConfig) -> Model:
    """The model with fp32 adapters on the named projections; everything else is frozen.

    Raises:
        ValueError: a target names no projection of a layer.
    """
    from peft import LoraConfig, get_peft_model

    require_targets(model, adapter.targets)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        target_modules=adapter.targets,
        lora_dropout=0.0,
    )
    torch.manual_seed(0)  # adapters start from the same noise in every run
    return get_peft_model(model, config)


def causal_lm(model: Model) -> Model:
    """The Hugging Face model below a peft wrapper, its layers still carrying the adapters."""
    return model.base_model.model if hasattr(model, "peft_config") else model


def require_targets(model: Model, targets: Iterable[str]) -> None:
    """Raise unless every target names projections of the layers; say so where only some layers have one."""
    found = layers_by_projection(model)
    layers = set().union(*found.values())
    there = ", ".join(sorted(found))
    for target in targets:
        having = found.get(target, set())
        if not having:
            raise ValueError(
                f"adapter.targets={target}: no projection in the layers of a {type(model).__name__}; choose among {there}"
            )
        if having != layers:
            log.warning("adapter.targets=%s: in %d of %d layers only", target, len(having), len(layers))


def layers_by_projection(model: Model) -> dict[str, set[int]]:
    """Name of every matrix product inside a layer, such as `q_proj`, and the layers that have it."""
    found: dict[str, set[int]] = {}
    for name, module in model.named_modules():
        place = re.search(r"\.(\d+)\.(?:.*\.)?(\w+)$", name)
        if place and getattr(module, "weight", None) is not None and len(shape(module.weight)) == 2:
            found.setdefault(place[2], set()).add(int(place[1]))
    return found


def shape(parameter: torch.nn.Parameter) -> torch.Size:
    """Shape of the whole parameter; a partitioned one is flat and empty to the eye."""
    return getattr(parameter, "ds_shape", parameter.shape)
