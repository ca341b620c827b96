"""How models are sampled, served and asked to rate."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from omegaconf import MISSING

from humpback_exp.config.bounds import (
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SHARE,
    bounded,
    check_bounds,
    choice,
    require,
)
from humpback_exp.config.cpu import has_bf16
from humpback_exp.config.identity import operational
from humpback_exp.config.model import DTYPES


@dataclass(kw_only=True, slots=True)
class GenerationConfig:
    """Sampling. The paper's one statement is T = 0.7, p = 0.9 (section 4)."""

    temperature: float = bounded(0.7, NOT_NEGATIVE)
    """0 is greedy."""
    top_p: float = bounded(0.9, SHARE)
    max_new_tokens: int = bounded(256, POSITIVE)
    unfinished: str = operational("drop", choice("drop", "keep"))
    """What becomes of text that reaches max_new_tokens. drop: the row has no text, and its reason is counted. keep: it is
    taken as whole; for models that never end a turn by themselves."""

    def __post_init__(self) -> None:
        check_bounds(self, "generation.")


@dataclass(kw_only=True, slots=True)
class EngineConfig:
    """Which program runs a model for generation and scoring, chosen by `engine=`; see docs/engines.md."""

    name: str = bounded("transformers", choice("transformers", "vllm", "openai"))
    """transformers and vllm load the model here, openai asks an endpoint. Part of what a run is: sampled text differs by it."""
    dtype: str = bounded("auto", choice("auto", *DTYPES))
    """Type of the weights. It is part of what a run is, since it moves every score and sample a little. auto takes bfloat16 on
    GPUs and on CPUs with instructions for it, float32 on others. An endpoint chooses its own."""
    batch_size: int = operational(16, POSITIVE)
    """How many rows are worked on at once: in a forward pass (transformers), in the scheduler (vllm), as requests (openai)."""
    device: str = operational("cpu", choice("cpu", "cuda"))
    """cpu or cuda, for transformers and vllm."""

    context: int | None = None
    """vllm: tokens of the longest prompt with its answer, which a small GPU must have room for; None takes the model's own."""
    tensor_parallel: int | None = operational(1, POSITIVE)
    """vllm: GPUs that one copy of the model is spread over; None takes the fewest that hold it and divide its heads."""
    gpu_share: float = operational(0.9, SHARE)
    """vllm on GPUs: share of their memory for weights, activations and cache."""
    cache_gib: float = operational(2.0, POSITIVE)
    """vllm on a CPU: memory for the keys and values of the rows in flight, GiB."""

    base_url: str | None = operational(None)
    """openai: the endpoint's address up to and with `/v1`."""
    model: str | None = None
    """openai: the name it serves the model by; None takes the stage's model_path, which is what vLLM's server does."""
    key_variable: str | None = operational("OPENAI_API_KEY")
    """openai: environment variable that holds the key; null for an endpoint that asks for none."""
    timeout: float = operational(120.0, POSITIVE)
    """openai: seconds for one answer."""
    retries: int = operational(8, NOT_NEGATIVE)
    """openai: tries after the first, while the endpoint is down, slow, busy or speaks garbage."""
    max_failed: float = operational(0.1, PROBABILITY)
    """openai: share of the rows asked that may be given up, each with its reason: a page that a moderator refuses, an answer
    that never can be read. Beyond it the stage ends. Of the first 50 rows so many may fail as of 50."""
    answers: str = operational("outputs/answers")
    """openai: folder where every answer is kept as it comes in, so that none is paid for twice."""

    def __post_init__(self) -> None:
        check_bounds(self, "engine.")
        require(self.context is None or self.context > 1, "engine.context", self.context, "must be 2 or more, or null")
        if self.name == "openai":
            _check_address(self.base_url)
        for key, name in (("context", "vllm"), ("model", "openai")):
            value = getattr(self, key)
            require(
                value is None or self.name == name, f"engine.{key}", value, f"is for engine={name} alone; leave it out"
            )

    def settle(self) -> None:
        """Say what `auto` means here."""
        if self.dtype == "auto":
            here = self.device == "cpu" and self.name != "openai"
            self.dtype = "float32" if here and not has_bf16() else "bfloat16"


def _check_address(url: str | None) -> None:
    """Raise unless `url` is an address that may be written down: a key belongs into the environment."""
    example = "give the endpoint's address, such as http://127.0.0.1:8000/v1"
    parts = urlsplit(url or "")
    require(parts.scheme in ("http", "https") and bool(parts.hostname), "engine.base_url", url, example)
    safe = parts.username is None and not parts.query
    require(safe, "engine.base_url", f"{parts.scheme}://{parts.hostname}", f"must not hold a key or a query; {example}")


@dataclass(kw_only=True, slots=True)
class RubricConfig:
    """What a rating model is asked. Replace it with `rubric=` and a YAML file of your own."""

    name: str = "five_point"
    prompt: str = MISSING
    """The whole request, with `{instruction}` and `{output}` where the pair goes; must ask for a last line `Score: n`. Without
    `{output}` the instruction is rated alone. Text before the pair is read once for all pairs, so put the pair late."""
    lowest: int = 1
    """The lowest rating it offers, 0 or 1; the highest is 5. A 0 counts as level 1, so that scores run from 1 to 5 under all."""

    def __post_init__(self) -> None:
        require(
            self.prompt == MISSING or "{instruction}" in self.prompt,
            "rubric.prompt",
            f"{self.prompt[:30]!r}...",
            "must contain {instruction}",
        )
        require(self.lowest in (0, 1), "rubric.lowest", self.lowest, "must be 0 or 1")

    @property
    def ratings(self) -> range:
        """The ratings it offers."""
        return range(self.lowest, 6)

    @property
    def rates_output(self) -> bool:
        return "{output}" in self.prompt
