"""People: what they compare or label, who they are, and where the page is served."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from humpback_exp.config.bounds import POSITIVE, PROBABILITY, Bound, bounded, check_bounds, choice, require
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.inference import RubricConfig
from humpback_exp.config.stage_base import StageConfig

SCALES = ("good", "five")
PORT = Bound(lambda value: 0 <= value < 65536, "must lie in 0 to 65535; 0 takes a free one")


@dataclass(kw_only=True, slots=True)
class AnnotateConfig(StageConfig):
    """evals, or candidates, + people -> annotations"""

    stage: ClassVar[str] = "annotate"
    kind: ClassVar[str] = "annotations"

    evals: Any = field(default_factory=list, metadata={"input": True})
    """Two or more evaluations, by name or folder, as a list or with commas. The first one's answers are compared with those
    of each other one, side by side."""
    candidates: str | None = artifact_input()
    """A folder of candidates, or of scored ones, whose pairs are labelled one by one instead."""
    scale: str = bounded("good", choice(*SCALES))
    """How a pair is labelled: good or not good, or by the five levels of the rubric."""
    rubric: RubricConfig = field(default_factory=RubricConfig)
    """What labels go by; its levels stand on the page."""
    items: int | None = bounded(None, POSITIVE)
    """How many prompts or pairs, the first of the seeded order; None takes all."""
    screening: str | None = artifact_input()
    """A test before the work: JSON lines of instruction, answers (two texts, or one) and choice, the known answer."""
    pass_mark: float = operational(0.85, PROBABILITY)
    """The test is passed by more than this agreement, where the next choice to the known one counts half (paper section
    3.4: 85 %)."""
    reasons: bool = operational(True)
    """Whether every judgement needs a written reason. In the test it always does."""
    raters: int = operational(1, POSITIVE)
    """How many people work, each by a private link. A larger number adds links and keeps the earlier ones."""
    overlap: int | None = operational(None, POSITIVE)
    """How many people judge an item; None has everyone judge all. People who have one open at the same time may exceed it."""
    host: str = operational("127.0.0.1")
    """Address the page is served at. The default is this machine alone; 0.0.0.0 is every network it is in."""
    port: int = operational(8330, PORT)
    export: bool = operational(False)
    """Write the judgements so far and their summary instead of serving the page; it may go on meanwhile."""

    def __post_init__(self) -> None:
        check_bounds(self)
        given = self.evals.split(",") if isinstance(self.evals, str) else list(self.evals)
        self.evals = [_found(str(one), self.output_root) for one in given]
        both = bool(self.evals) and self.candidates is not None
        require(not both, "candidates", self.candidates, "excludes evals; label the pairs under another name=")
        named = ",".join(self.evals) or None
        remedy = "give two or more evaluations, as in evals=m1,base, or candidates=FOLDER to label pairs"
        require(len(self.evals) > 1 or self.candidates is not None, "evals", named, remedy)
        require(len(set(self.evals)) == len(self.evals), "evals", named, "names an evaluation twice")

    @property
    def inactive_fields(self) -> set[str]:
        """Only pairs have a scale and a rubric; a comparison has three choices."""
        return {"scale", "rubric"} if self.evals else set()


def _found(name: str, output_root: str) -> str:
    """The folder of an evaluation that may be given by its name."""
    named = Path(output_root) / "evals" / name
    return str(named) if named.is_dir() or not Path(name).exists() else name
