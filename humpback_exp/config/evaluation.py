"""An evaluation: the model, the held-out pairs, what they are compared with, and which measurements are taken."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from humpback_exp.config.bounds import check_bounds, one_of, require
from humpback_exp.config.cpu import settle
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.identity import artifact_input
from humpback_exp.config.inference import EngineConfig, GenerationConfig
from humpback_exp.config.judge import JudgeConfig
from humpback_exp.config.measurements import MeasuringConfig, concerns
from humpback_exp.prompts import RANKING, text_digest

SOURCES = ("seed", "web")


@dataclass(kw_only=True, slots=True)
class EvaluateConfig(MeasuringConfig):
    """model -> what is measured of it: losses, answers and verdicts on held-out human pairs, and more by name"""

    stage: ClassVar[str] = "evaluate"
    kind: ClassVar[str] = "evals"

    model_path: str = artifact_input("outputs/models/m1")
    heldout: str = artifact_input("examples/heldout.jsonl")
    """Human pairs no model was trained on, in any format of data.seed_path. Prompts without outputs are answered and judged,
    but have no loss."""
    heldout_dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """Which part of heldout is read."""
    reference: str | None = artifact_input()
    """Whose answers are the opponents in the win rate: an evals folder, or AlpacaEval's model_outputs.json."""
    stored_answers: str | None = artifact_input()
    """Answers to judge instead of asking the model: an evals folder's, or a model_outputs.json; the model is then not loaded."""
    template: str | None = None
    """Chat template of the model; None takes the one in its folder, which a plain base model lacks."""
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    tags: list[str] = field(default_factory=lambda: ["seed", "web"])
    """Sources whose sentences prompts carry at inference; both joined is the paper's best."""
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        settle(self)
        check_bounds(self)
        for tag in self.tags:
            one_of("tags", tag, SOURCES)
        require(len(set(self.tags)) == len(self.tags), "tags", self.tags, "has one twice; name each once")
        self.check_evaluations()
        judged = self.judge.asked or "judge" not in (self.evaluations or [])
        require(judged, "evaluations", "judge", "needs a judge; set judge.path= and judge.prompts=1 or more")
        alone = self.stored_answers is None or self.measurements == ["judge"]
        remedy = "can only be judged; set judge.path= or judge.annotations=, and no other evaluations="
        require(alone, "stored_answers", self.stored_answers, remedy)

    @property
    def templates(self) -> list[str | None]:
        return [self.template, self.judge.template]

    @property
    def inactive_fields(self) -> set[str]:
        """The settings of measurements that are not asked for, and what answers that are there already do not depend on."""
        used = {key for name in self.measurements for key in concerns(name)}
        unused = {f.name for f in fields(self) if f.metadata.get("gained")} - used
        return unused | ({"model_path", "template", "tags", "generation", "engine"} if self.stored_answers else set())

    @property
    def measurements(self) -> list[str]:
        """Those named, or the held-out loss and the judge; beside the loss its change against a reference."""
        named = self.evaluations
        if named is None:
            loss = [] if self.stored_answers else ["heldout"]
            named = [*loss, "judge"] if self.judge.asked else ["heldout"]
        change = ["heldout_change"] if self.reference and "heldout" in named else []
        sets = ["heldout_sets"] if self.heldout_sets else []
        return list(dict.fromkeys([*named, *change, *sets]))

    @property
    def texts(self) -> dict[str, str]:
        ranks = "judge" in self.measurements and self.judge.verdict == "ranking" and self.judge.prompt is None
        return {"prompts": self.prompts} | ({"judge.text": text_digest(RANKING)} if ranks else {})
