"""Is a folder's set of weights the one that its config.json asks for, and the only one? Called by load."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

NAMED = 4
"""Tensors that an error names."""
INDEX, WHOLE = "model.safetensors.index.json", "model.safetensors"
ADAPTER = (
    "holds an adapter (adapter_config.json), which transformers adds to the weights beside it and vLLM does not; merge it and "
    "remove its files"
)


class WrongWeights(ValueError):
    """A folder's weights are not just those that its config.json asks for."""

    def __init__(self, key: str, path: str, wrong: str) -> None:
        super().__init__(
            f"{key}={path}: its weights are not those of its config.json: {wrong}; give a whole model folder"
        )


def require_one_set(path: str, key: str) -> None:
    """Raise unless a folder holds one set of weights: of two, each engine would take another.

    Raises:
        ValueError: there is an adapter beside the weights, or a file that an earlier save left.
    """
    there = {file.name for file in Path(path).glob("*.*")}
    others = sorted(name for name in there if name.endswith(".safetensors") and name != WHOLE)
    index = (Path(path) / INDEX).read_text(encoding="utf-8", errors="replace") if INDEX in there else ""
    if "adapter_config.json" in there:
        raise ValueError(f"{key}={path}: {ADAPTER}")
    if WHOLE in there and (WHOLE not in index if index else others):
        beside = INDEX if index else shortened(others)
        raise ValueError(
            f"{key}={path}: holds two sets of weights, {WHOLE} and {beside}; remove those that are not meant"
        )


def wrong_weights(report: dict[str, Any]) -> str:
    """What transformers' loading report finds wrong with a folder's weights, after ties and known renamings; else empty.

    It would draw what is missing at random, and leave out what is too many.
    """
    shapes = [f"{name} is {list(there)} instead of {list(here)}" for name, there, here in report["mismatched_keys"]]
    groups = {
        "missing": report["missing_keys"],
        "not of this model": report["unexpected_keys"],
        "of another shape": shapes,
        "unreadable": report["error_msgs"],
    }
    return "; ".join(f"{len(names)} {kind} ({shortened(names)})" for kind, names in groups.items() if names)


def shortened(names: Iterable[str]) -> str:
    """The first names of a list, and that there are more."""
    ordered = sorted(names)
    return ", ".join(ordered[:NAMED]) + ", ..." * (len(ordered) > NAMED)
