"""Who compares two answers, what it is asked, and how far its word is checked."""

from dataclasses import dataclass, field

from humpback_exp.config.bounds import NOT_NEGATIVE, POSITIVE, bounded, check_bounds, choice, require
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.inference import EngineConfig, GenerationConfig

ADDED = ("engine", "verdict", "prompt", "labels", "order", "attempts", "generation", "calibration_pairs")
"""Options that came later: an evaluation that leaves them as they are is the one that it was before."""


@dataclass(kw_only=True, slots=True)
class JudgeConfig:
    """Who compares two answers (docs/evaluation.md)."""

    path: str | None = artifact_input()
    """Judge model: folder, Hub id, or the name an endpoint serves it by. None skips the win rate; the pipeline then takes its base
    model."""
    template: str | None = None
    """Chat template of the judge; None takes the one in its folder."""
    prompts: int = bounded(20, NOT_NEGATIVE)
    """Held-out prompts answered and compared; 0 skips the win rate, too."""
    engine: EngineConfig | None = None
    """What runs the judge; None takes the engine of the model. `engine@judge.engine=openai` asks an endpoint."""
    may_judge_itself: bool = operational(False)
    """Whether the judge may be one of the two models that it compares."""
    verdict: str = bounded("choice", choice("choice", "ranking"))
    """choice: the probabilities of the two labels as the first token of a reply. ranking: a written reply, which ranks the two."""
    prompt: str | None = artifact_input()
    """A text file that asks for such a verdict, as AlpacaEval's templates do; None takes ours."""
    labels: list[str] = field(default_factory=lambda: ["1", "2"])
    """What the prompt calls the answer shown first and the one shown second."""
    order: str = bounded("both", choice("both", "random"))
    """both: each comparison is asked twice, with either answer first. random: once, in an order drawn by seed and prompt."""
    attempts: int = bounded(3, POSITIVE)
    """How often a verdict is asked for while none can be read. A local judge that would say the same again is asked once."""
    generation: GenerationConfig = field(
        default_factory=lambda: GenerationConfig(temperature=0.0, top_p=1.0, max_new_tokens=256)
    )
    """How a ranking is written."""
    calibration: str | None = artifact_input()
    """An annotations.json of verdicts to trust, on which the judge is tried before its own are used; None leaves it untried."""
    calibration_pairs: int = bounded(50, POSITIVE)
    """Stored verdicts that it is tried on, drawn by the seeded order; each is asked in both orders."""
    prices: str | None = operational(None)
    """A YAML file of model -> {input, output}, the price of a million tokens; None tells tokens alone."""
    annotations: str | None = artifact_input()
    """An annotations.json of our answers that was judged elsewhere, to be read instead of asking a judge."""

    def __post_init__(self) -> None:
        check_bounds(self, "judge.")
        two = len(self.labels) == 2 and len(set(self.labels)) == 2 and all(label.strip() for label in self.labels)
        require(two, "judge.labels", self.labels, "must be two different names, as in [m,M]")
        both = self.path is not None and self.annotations is not None
        require(not both, "judge.annotations", self.annotations, f"excludes judge.path={self.path}; leave one out")

    @property
    def asked(self) -> bool:
        """Whether there is a win rate to measure."""
        return (self.path is not None or self.annotations is not None) and self.prompts > 0

    @property
    def inactive_fields(self) -> set[str]:
        """Added options that are left as they are, or have no effect."""
        usual = JudgeConfig()
        same = {name for name in ADDED if getattr(self, name) == getattr(usual, name)}
        same |= {"generation"} if self.verdict == "choice" else set()
        return same | (set() if self.calibration else {"calibration_pairs"})
