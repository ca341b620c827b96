"""The controller: corpus and seed to M_n, every stage a fresh process, finished ones skipped (design section 5)."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.analysis.closing import closing
from humpback_exp.config import (
    AugmentConfig,
    EvaluateConfig,
    PipelineConfig,
    ReportConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
    selection_name,
)
from humpback_exp.launch import check_machine, launch
from humpback_exp.progress import log, set_up_logging, table
from humpback_exp.stages import report


@dataclass(slots=True)
class Loop:
    """The stages of a loop, in the order they run."""

    config: PipelineConfig

    def folder(self, kind: str, name: str) -> str:
        return str(Path(self.config.output_root) / kind / name)

    def stages(self) -> list[StageConfig]:
        stages: list[StageConfig] = [self.segment(), self.train("backward"), self.augment(), self.evaluate("base")]
        for t in range(self.config.iterations + 1):
            if t:
                stages += [self.score(f"m{t - 1}"), self.select(f"m{t - 1}")]
            stages += [self.train(f"m{t}", scored=f"m{t - 1}" if t else None), self.evaluate(f"m{t}")]
        return stages

    def common(self, name: str) -> dict[str, object]:
        c = self.config
        tracking = replace(c.tracking, group=c.tracking.group or c.name)
        return {"output_root": c.output_root, "name": name, "seed": c.seed, "tracking": tracking}

    def segment(self) -> SegmentConfig:
        return SegmentConfig(**self.common("web"), corpus=self.config.corpus, workers=self.config.workers)  # type: ignore[arg-type]

    def train(self, name: str, scored: str | None = None) -> TrainConfig:
        c = self.config
        data = replace(c.data, direction="backward" if name == "backward" else "forward", scored=None)
        if scored is not None:
            folder = self.folder("scored", scored)
            data = replace(data, scored=folder, min_score=c.min_score, top_fraction=c.top_fraction)
        parts = {"model": c.model, "adapter": c.adapter, "optim": c.optim, "trainer": c.trainer}
        return TrainConfig(**self.common(name), **parts, data=data)  # type: ignore[arg-type]

    def augment(self) -> AugmentConfig:
        c = self.config
        return AugmentConfig(
            **self.common("web"),  # type: ignore[arg-type]
            segments=self.folder("segments", "web"),
            model_path=self.folder("models", "backward"),
            limit=c.limit,
            tagged=c.data.tagged,
            generation=c.generation,
            engine=c.engine,
            executor=c.executor,
            chunk_size=c.chunk_size,
        )

    def score(self, name: str) -> ScoreConfig:
        c = self.config
        return ScoreConfig(
            **self.common(name),  # type: ignore[arg-type]
            candidates=self.folder("candidates", "web"),
            model_path=self.folder("models", name),
            scorer=c.scorer,
            tagged=c.data.tagged,
            rubric=c.rubric,
            generation=c.rating,
            attempts=c.attempts,
            engine=c.engine,
            executor=c.executor,
            chunk_size=c.chunk_size,
        )

    def select(self, name: str) -> SelectConfig:
        c = self.config
        scored = self.folder("scored", name)
        folder = f"{name}-{selection_name(c.min_score, c.top_fraction)}"
        return SelectConfig(**self.common(folder), scored=scored, min_score=c.min_score, top_fraction=c.top_fraction)  # type: ignore[arg-type]

    def evaluate(self, name: str) -> EvaluateConfig:
        c = self.config
        return EvaluateConfig(
            **self.common(name),  # type: ignore[arg-type]
            model_path=c.model.path if name == "base" else self.folder("models", name),
            heldout=c.heldout,
            reference=None if name == "base" else self.folder("evals", "base"),
            template=c.model.template if name == "base" else None,
            judge=c.judge if c.judge.path else replace(c.judge, path=c.model.path, template=c.model.template),
            ratings=c.ratings,
            tags=c.tags,
            rubric=c.rubric,
            generation=c.generation,
            rating=c.rating,
            engine=c.engine,
        )


def run(config: PipelineConfig) -> None:
    """Print the plan, run what is missing, print what came out.

    Raises:
        StageFailed: a stage ended badly; those before it are finished.
    """
    set_up_logging()
    stages = Loop(config).stages()
    for stage in stages:
        check_machine(stage)
    print("plan\n" + table([plan_row(stage) for stage in stages]) + "\n", flush=True)
    seconds: dict[Path, float] = {}
    for number, stage in enumerate(stages, start=1):
        log.info("stage %d of %d: %s %s", number, len(stages), stage.stage, stage.name)
        started, finished = time.time(), (stage.folder / "manifest.json").exists()
        launch(stage, fresh=True)
        if not finished:
            seconds[stage.folder] = time.time() - started
    total = {"stage": "all", "name": "", "seconds": f"{sum(seconds.values()):.1f}", "rows": ""}
    print("\nstages\n" + table([*(stage_row(stage, seconds.get(stage.folder)) for stage in stages), total]))
    models = [stage.name for stage in stages if stage.kind == "evals"]
    curated = [stage.folder for stage in stages if stage.kind == "curated"]
    print("\n" + closing(config.output_root, models, curated[-1] if curated else None))
    report.run(ReportConfig(output_root=config.output_root))


def plan_row(stage: StageConfig) -> dict[str, object]:
    finished = (stage.folder / "manifest.json").exists()
    begun = stage.folder.exists() and any(p.is_dir() for p in stage.folder.iterdir())
    state = "finished" if finished else "to be resumed" if begun else "to do"
    return {"stage": stage.stage, "name": stage.name, "state": state, "folder": stage.folder}


def stage_row(stage: StageConfig, seconds: float | None) -> dict[str, object]:
    took = "skipped" if seconds is None else f"{seconds:.1f}"
    rows = artifacts.load(stage.folder).rows
    return {"stage": stage.stage, "name": stage.name, "seconds": took, "rows": facts(rows)}


def facts(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in rows.items())
