"""Longest sequence that a model takes, read off its config.json."""

from collections.abc import Mapping
from typing import Any

LONGROPE = ("longrope", "su")
"""What config.json calls it; `su` in the first folders of Phi-3."""


def context_of(held: Mapping[str, Any]) -> int | None:
    """Longest sequence that the model of a config.json takes, in tokens; None where it does not say."""
    return longrope_context(held) or held.get("max_position_embeddings") or held.get("n_positions")


def longrope_context(held: Mapping[str, Any]) -> int | None:
    """Tokens up to which longrope turns by the short factors, where a model has it.

    One longer row turns the other rows of its forward pass by the long factors, too; vLLM takes those for every row once longer
    ones are allowed. So none is: a row must not depend on its neighbours, nor on the engine.
    """
    rope = held.get("rope_parameters") or held.get("rope_scaling") or {}
    parts = [
        rope,
        *(part for part in rope.values() if isinstance(part, Mapping)),
    ]  # some models have one a kind of layer
    bounds = [
        held.get("original_max_position_embeddings") or part.get("original_max_position_embeddings")
        for part in parts
        if part.get("rope_type", part.get("type")) in LONGROPE
    ]
    return min(filter(None, bounds), default=None)
