"""The shape of a Llama model and what follows from it: parameters, adapters, bytes of a cached token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.config import AdapterConfig, ModelConfig
from humpback_exp.planning.context import context_of

LLAMA_KEYS = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")
OTHER_KEYS = {
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_attention_heads": ("n_head", "n_heads"),
    "intermediate_size": ("n_inner", "ffn_dim", "ffn_hidden_size"),
    "max_position_embeddings": ("n_positions",),
}
"""What older classes call them (GPT-2, BLOOM, OPT, Falcon). As their MLP is not gated, they take less than is planned for."""
FOUR_TIMES = ("gpt2", "gpt_bigcode", "bloom", "falcon")
"""Classes whose MLP is four times as wide as `hidden_size` where their config.json does not say."""
BYTES = {"float32": 4, "bfloat16": 2, "fp32": 4, "bf16": 2}
"""Width of a number by the names of dtypes and of precisions."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama-shaped model."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool
    context: int = 2048
    """Longest sequence the model takes, in tokens."""
    head_dim: int | None = None
    """Width of a head where the model says it; None divides `hidden` among the heads."""

    @property
    def head(self) -> int:
        """Width of a head."""
        return self.head_dim or self.hidden // self.heads

    @property
    def query(self) -> int:
        """Width of the queries of a token, and of what attention gives: wider than `hidden` in Gemma, narrower in Mistral-Nemo."""
        return self.heads * self.head

    @property
    def kv(self) -> int:
        """Width of the keys of a token, and of its values: narrower than `hidden` under grouped-query attention."""
        return self.kv_heads * self.head

    @property
    def layer(self) -> int:
        """Parameters of a layer: attention, gated MLP and the two norms (arXiv 2302.13971)."""
        return 2 * self.hidden * (self.query + self.kv) + 3 * self.hidden * self.intermediate + 2 * self.hidden

    @property
    def embedding(self) -> int:
        """Parameters of the input embedding, and as many of the output projection."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """Exact count, tied embeddings counted once."""
        return self.embedding * (1 if self.tied else 2) + self.layers * self.layer + self.hidden

    @property
    def cached_numbers(self) -> int:
        """Keys and values of one token over all layers, in numbers."""
        return 2 * self.layers * self.kv

    def splits(self, size: int) -> bool:
        """Whether tensor parallelism over `size` GPUs gives each the same number of heads, as vLLM demands."""
        larger, smaller = max(self.kv_heads, size), min(self.kv_heads, size)
        return self.heads % size == 0 and larger % smaller == 0

    def trained(self, adapter: AdapterConfig) -> int:
        """Parameters that are trained: all of them, or LoRA's two matrices of `rank` on every named projection."""
        if adapter.kind == "none":
            return self.parameters
        h, i, q, kv = self.hidden, self.intermediate, self.query, self.kv
        sides = {"q_proj": h + q, "k_proj": h + kv, "v_proj": h + kv, "o_proj": q + h}
        sides |= {"gate_proj": h + i, "up_proj": h + i, "down_proj": i + h}
        return self.layers * adapter.rank * sum(sides.get(name, 0) for name in adapter.targets)


def shape_of(model: ModelConfig) -> Shape:
    """The shape in the model folder, or the config's where the path is a Hub id; no layers means that neither says it.

    Raises:
        ValueError: the folder holds no Llama-shaped model.
    """
    path = Path(model.path) / "config.json"
    if path.exists():
        return _read(path)
    fields = (model.layers, model.hidden, model.intermediate, model.heads, model.kv_heads, model.vocabulary)
    return Shape(*fields, model.tied, model.context, model.head_dim)


def shape_at(path: str, made: Mapping[str, ModelConfig]) -> Shape | None:
    """The shape of a model folder, of one that is still to be made, or of a Hub id that was downloaded; None if it is unknown.

    Args:
        made: path of a model that is still to be made, or of a base model -> what its config says.
    """
    if path in made and not (Path(path) / "config.json").exists():
        shape = shape_of(made[path])
        return shape if shape.layers else None
    held = Path(path) / "config.json"
    try:
        return _read(held if held.exists() else Path(cached_file(path)))
    except (ValueError, OSError):  # no Llama, whose needs are not known, or not here
        return None


def cached_file(path: str) -> str:
    """The config of a Hub id in the cache, or a path that does not exist."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return str(try_to_load_from_cache(path, "config.json"))
    except HFValidationError:
        return path


def _read(path: Path) -> Shape:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"model.path={path.parent}: its config.json is no JSON ({error})") from None
    if not isinstance(held, dict):
        raise ValueError(f"model.path={path.parent}: its config.json holds no object; give a whole model folder")
    held = _renamed(held)
    missing = [name for name in LLAMA_KEYS if held.get(name) is None]
    if missing:
        raise ValueError(f"model.path={path.parent}: no Llama-shaped model, its config.json lacks {', '.join(missing)}")
    for name in (*LLAMA_KEYS, "num_key_value_heads", "head_dim", "max_position_embeddings"):
        value = held.get(name)
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ValueError(
                f"model.path={path.parent}: its config.json has {name}={value!r}; must be a whole number above 0"
            )
    return Shape(
        held["num_hidden_layers"],
        held["hidden_size"],
        held["intermediate_size"],
        held["num_attention_heads"],
        held.get("num_key_value_heads") or held["num_attention_heads"],
        held["vocab_size"],
        bool(held.get("tie_word_embeddings", False)),
        context_of(held) or 2048,
        held.get("head_dim"),
    )


def _renamed(held: dict[str, Any]) -> dict[str, Any]:
    """A config.json by Llama's keys."""
    known = {
        name: held[other] for name, others in OTHER_KEYS.items() for other in others if held.get(other) is not None
    }
    held = {name: value for name, value in held.items() if value is not None}
    if isinstance(hidden := (known | held).get("hidden_size"), int) and held.get("model_type") in FOUR_TIMES:
        known.setdefault("intermediate_size", 4 * hidden)
    return known | held
