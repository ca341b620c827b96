"""Two finished folders without a model behind them: a scored one, and a selection from it."""

import time
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import RubricConfig, ScoreConfig, SelectConfig, StageConfig, TrackingConfig

ROWS = {"scored": {"candidates": 3, "readable": 2}, "curated": {"scored": 3, "curated": 1}}


def chain(root: Path, tracking: TrackingConfig | None = None) -> tuple[ScoreConfig, SelectConfig]:
    """Configs of both; the scored folder is finished, unless it is already."""
    common = {"output_root": str(root), "tracking": tracking or TrackingConfig(group="loop")}
    rubric, pages = RubricConfig(prompt="{instruction}{output}"), root.parent / "pages.jsonl"
    pages.write_text("{}\n")
    score = ScoreConfig(name="m0", rubric=rubric, candidates=str(pages), model_path="org/model", **common)  # type: ignore[arg-type]
    if not (score.folder / "manifest.json").exists():
        finish(score)
    return score, SelectConfig(name="m0-a4.5", scored=str(score.folder), min_score=4.5, **common)  # type: ignore[arg-type]


def finish(config: StageConfig) -> artifacts.Manifest:
    artifact = artifacts.begin(config)
    metrics = {"histogram": {"4": 1, "5": 1}, "mean_score": 4.5}
    rows, drops = ROWS[config.kind], {"page: too short": 1}
    return artifacts.finish(artifact, started=time.time(), rows=rows, drops=drops, metrics=metrics)
