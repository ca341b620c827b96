"""What the unfinished stages of a sweep's points will take, by the planner's formulas (docs/planner.md)."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from humpback_exp import artifacts
from humpback_exp.config import (
    DataConfig,
    EngineConfig,
    HardwareConfig,
    PlanConfig,
    ScoreConfig,
    SegmentConfig,
    StageConfig,
    TrainConfig,
    settle,
)
from humpback_exp.planning.estimate import estimate, found
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.sizes import SEGMENTS, SELECTED, Found, sizes_of
from humpback_exp.planning.training import Training

KNOWN = {f.name for f in fields(PlanConfig)} - {f.name for f in fields(StageConfig)}
"""Settings that the planner takes from whatever stage has them."""


class Costs:
    """Adds up what stages will take, each folder once."""

    def __init__(self, hardware: HardwareConfig | None) -> None:
        self.hardware, self.estimated = hardware, set[Path]()
        self.sums: dict[str, float] = {}
        self.assumed = False
        """Whether a point is counted with the paper's segments, since its own are not cut yet."""

    def row(self, stages: Sequence[StageConfig]) -> dict[str, object]:
        """Tokens, operations, and hours on the hardware where it is known, of what is left to do.

        Raises:
            ValueError: the hardware is not of the trainer's kind.
        """
        left = [s for s in stages if s.folder not in self.estimated and not artifacts.is_done(s)]
        self.estimated |= {stage.folder for stage in left}
        work = self._work(stages, left) if left else []
        row = {
            "million tokens": sum(made.tokens for made in work) / 1e6,
            "petaFLOP": sum(made.flops for made in work) / 1e15,
        }
        if self.hardware:
            row["hours"] = sum(made.seconds(self.hardware) for made in work) / 3600
        self.sums = {key: self.sums.get(key, 0) + value for key, value in row.items()}
        return dict(row)

    def _work(self, stages: Sequence[StageConfig], left: Sequence[StageConfig]) -> list[Training | Generation]:
        plan = plan_of(stages, self.hardware)
        if plan is None:
            return []
        sizes = sizes_of(plan, counted(stages))
        cuts = any(isinstance(stage, SegmentConfig) for stage in stages)
        self.assumed |= cuts and sizes.candidates.count == SEGMENTS and sizes.candidates.origin.startswith("assumed")
        return [made for stage in left if (made := estimate(stage, plan, sizes))]

    @property
    def total(self) -> str:
        """Of all rows so far, in words."""
        unit = "" if self.hardware else " (hardware=NAME adds hours)"
        segments = (
            f", with the paper's {SEGMENTS:,} segments wherever a point's own are not cut yet" if self.assumed else ""
        )
        return ", ".join(f"{value:.3g} {key}" for key, value in self.sums.items()) + segments + unit


def counted(stages: Sequence[StageConfig]) -> dict[str, Found]:
    """What is found already; where scores are still to be made and the paper says no share for the threshold, the most there is.

    Raises:
        ValueError: a selection keeps none.
    """
    most: dict[str, Found] = {}
    for stage in stages:
        if isinstance(stage, TrainConfig) and stage.data.min_score not in (None, *SELECTED):
            most["curated"] = stage.data.size or SEGMENTS, "at most"
    return most | found(stages)


def plan_of(stages: Sequence[StageConfig], hardware: HardwareConfig | None) -> PlanConfig | None:
    """The planner's view of a point; None where no model is trained.

    Raises:
        ValueError: the hardware is not of the trainer's kind.
    """
    parts: dict[str, Any] = {}
    for stage in stages:
        shared = {f.name: getattr(stage, f.name) for f in fields(stage) if f.name in KNOWN}
        if isinstance(stage, ScoreConfig):
            shared["rating"] = shared.pop("generation")
        parts |= shared
    if "trainer" not in parts:
        return None
    # a loop has human pairs; whether this model is trained on them, its own stage says
    data: DataConfig = parts["data"]
    parts["data"] = replace(data, seed_path=data.seed_path or DataConfig().seed_path)
    kind = parts["trainer"].accelerator
    parts["engine"] = settle(replace(parts.get("engine", EngineConfig()), device="cpu" if kind == "cpu" else "cuda"))
    return PlanConfig(hardware=hardware or HardwareConfig(accelerator=kind), **parts)
