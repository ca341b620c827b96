"""The base model, and how much of it is trained."""

from dataclasses import dataclass, field

from humpback_exp.config.bounds import BELOW_ONE, POSITIVE, bounded, check_bounds, choice
from humpback_exp.config.cpu import has_bf16
from humpback_exp.config.identity import artifact_input, operational

DTYPES = ("float32", "bfloat16")


@dataclass(kw_only=True, slots=True)
class ModelConfig:
    """A base model. The shape is written out so that plans and refusals need not load it; the path says what it is."""

    path: str = artifact_input("models/smollm2-135m")
    """Folder in Hugging Face format, or a Hub id."""
    template: str = "inst"
    """Chat template (`prompts.TEMPLATES`) every prompt is rendered with; exported with the model."""
    dtype: str = bounded("float32", choice("auto", *DTYPES))
    """Type of the weights in training. bfloat16 needs frozen weights (adapter=lora) or ZeRO-3's fp32 master copy. auto takes it
    where the CPU has instructions for it, else float32."""
    export_dtype: str = bounded("bfloat16", choice(*DTYPES))
    """Type of the weights in the exported folder."""
    dropout: float = bounded(0.1, BELOW_ONE)
    """Residual dropout after attention and MLP of every layer (paper section 8; the place is our choice, LIMA's)."""
    layers: int = operational(0)
    hidden: int = operational(0)
    intermediate: int = operational(0)
    heads: int = operational(0)
    kv_heads: int = operational(0)
    head_dim: int | None = operational(None)
    """Width of a head; None divides `hidden` among the heads."""
    vocabulary: int = operational(0)
    context: int = operational(2048)
    """Longest sequence the model takes, in tokens."""
    tied: bool = operational(False)
    """Whether input and output embeddings are one matrix."""

    def __post_init__(self) -> None:
        check_bounds(self, "model.")

    def settle(self) -> None:
        """Say what `auto` means here."""
        if self.dtype == "auto":
            self.dtype = "bfloat16" if has_bf16() else "float32"


@dataclass(kw_only=True, slots=True)
class AdapterConfig:
    """Full fine-tuning, or LoRA through peft."""

    kind: str = bounded("none", choice("none", "lora"))
    """none or lora."""
    rank: int = bounded(16, POSITIVE)
    alpha: int = bounded(32, POSITIVE)
    targets: list[str] = field(
        default_factory=lambda: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    )

    def __post_init__(self) -> None:
        check_bounds(self, "adapter.")
