"""How models are sampled, served, asked to rate and asked to judge."""

from dataclasses import dataclass

from omegaconf import MISSING

from humpback_exp.config.base import artifact_input, one_of, operational, require
from humpback_exp.config.training import DTYPES


@dataclass(kw_only=True, slots=True)
class GenerationConfig:
    """Sampling. The paper's one statement is T = 0.7, p = 0.9 (section 4)."""

    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.9
    max_new_tokens: int = 256

    def __post_init__(self) -> None:
        require(self.temperature >= 0, "generation.temperature", self.temperature, "must be 0 (greedy) or more")
        require(0 < self.top_p <= 1, "generation.top_p", self.top_p, "must lie in (0, 1]")
        require(self.max_new_tokens > 0, "generation.max_new_tokens", self.max_new_tokens, "must be positive")


@dataclass(kw_only=True, slots=True)
class EngineConfig:
    """Which program runs a model for generation and scoring."""

    name: str = operational("transformers")
    batch_size: int = operational(16)
    """Rows a forward pass; batches never cross a chunk."""
    device: str = operational("cpu")
    dtype: str = "bfloat16"
    """Weights while running; part of what a run is, since it moves every score and sample a little."""

    def __post_init__(self) -> None:
        one_of("engine.name", self.name, ("transformers",))
        one_of("engine.dtype", self.dtype, DTYPES)
        require(self.batch_size > 0, "engine.batch_size", self.batch_size, "must be positive")


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


@dataclass(kw_only=True, slots=True)
class JudgeConfig:
    """Who compares two answers."""

    path: str | None = artifact_input()
    """Judge model: folder or Hub id. None skips the win rate; the pipeline then takes its base model."""
    template: str | None = None
    """Chat template of the judge; None takes the one in its folder."""
    prompts: int = 20
    """Held-out prompts answered and compared."""

    def __post_init__(self) -> None:
        require(self.prompts > 0, "judge.prompts", self.prompts, "must be positive")
