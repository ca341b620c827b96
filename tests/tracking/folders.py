"""Finished folders without a model behind them: a scored one, a selection from it, and a point of a sweep on top."""

import time
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import (
    DataConfig,
    EvaluateConfig,
    RubricConfig,
    ScoreConfig,
    SelectConfig,
    StageConfig,
    TrackingConfig,
    TrainConfig,
)

ROWS = {
    "scored": {"candidates": 3, "readable": 2},
    "curated": {"scored": 3, "curated": 1},
    "models": {"examples": 1},
    "evals": {"pairs": 1},
}

SESSION = """
import sys
from pathlib import Path
from humpback_exp import artifacts
from humpback_exp.tracking import track
from humpback_exp.tracking.lineage import frozen
for folder in map(Path, sys.argv[1:]):
    artifact = artifacts.Artifact(folder, artifacts.load(folder), finished=True)
    with track(frozen(folder), artifact) as tracker:
        tracker.finished(artifact.manifest)
"""
"""What tracking does in a stage, for folders that are there already."""


def chain(root: Path, tracking: TrackingConfig | None = None) -> tuple[ScoreConfig, SelectConfig]:
    """Configs of both; the scored folder is finished, unless it is already."""
    common = {"output_root": str(root), "tracking": tracking or TrackingConfig(group="loop")}
    rubric, pages = RubricConfig(prompt="{instruction}{output}"), root.parent / "pages.jsonl"
    pages.write_text("{}\n")
    score = ScoreConfig(name="m0", rubric=rubric, candidates=str(pages), model_path="org/model", **common)  # type: ignore[arg-type]
    if not (score.folder / "manifest.json").exists():
        finish(score)
    return score, SelectConfig(name="m0-a4.5", scored=str(score.folder), min_score=4.5, **common)  # type: ignore[arg-type]


def point(scored: ScoreConfig, trained: str, evaluated: str) -> tuple[TrainConfig, EvaluateConfig]:
    """A model trained on a scored folder and its evaluation, both finished, in these groups."""
    data = DataConfig(scored=str(scored.folder), min_score=4.5, seed_path=None)
    root = scored.output_root
    train = TrainConfig(name=trained, output_root=root, data=data, tracking=TrackingConfig(group=trained))
    if not (train.folder / "manifest.json").exists():
        finish(train)
    where = TrackingConfig(group=evaluated)
    evaluate = EvaluateConfig(name=evaluated, output_root=root, model_path=str(train.folder), tracking=where)
    finish(evaluate)
    return train, evaluate


def finish(config: StageConfig) -> artifacts.Manifest:
    artifact = artifacts.begin(config)
    metrics = {"histogram": {"4": 1, "5": 1}, "mean_score": 4.5}
    rows, drops = ROWS[config.kind], {"page: too short": 1}
    return artifacts.finish(artifact, started=time.time(), rows=rows, drops=drops, metrics=metrics)
