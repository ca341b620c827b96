"""Real folders of a sweep: models that differ by setting and seed, each with its evaluation."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from humpback_exp import artifacts
from humpback_exp.config import (
    DataConfig,
    EvaluateConfig,
    JudgeConfig,
    ModelConfig,
    OptimConfig,
    RubricConfig,
    ScoreConfig,
    TrackingConfig,
    TrainConfig,
)
from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.judge.verdicts import summary
from humpback_exp.records import Answer, Verdict, write

RUBRIC = RubricConfig(prompt="{instruction} {output}")
ROWS = 40
PREFERS = {"win": 0.85, "tie": 0.5, "loss": 0.2}


def scored(root: Path, name: str = "m0", model: str = "org/base", scorer: str = "generated") -> str:
    """A scored folder without rows: the figures need only its manifest."""
    ratings = root / f"{name}.jsonl"
    ratings.write_text(f'{{"id": "{name}", "score": 3}}')
    config = ScoreConfig(
        output_root=str(root),
        name=name,
        candidates="org/web",
        model_path=model,
        scorer=scorer,
        rubric=RUBRIC,
        ratings=str(ratings) if scorer == "given" else None,
    )
    artifact = artifacts.begin(config)
    if not artifact.finished:
        artifacts.finish(artifact, started=time.time(), rows={"candidates": 8, "scored": 8})
    return str(config.folder)


def point(
    root: Path,
    group: str | None,
    name: str,
    losses: Sequence[float],
    *,
    outcomes: Sequence[str] = (),
    seed: int = 0,
    data: DataConfig | None = None,
    lr: float = 1e-5,
    base: str = "org/base",
    tags: Sequence[str] = ("seed", "web"),
    asked: str = "",
    text: str = "",
    ids: str = "pair",
    evaluated_in: str | None = "the same",
    judge: str | JudgeConfig = "org/judge",
    web: int | None = None,
    seeds: int | None = None,
    labels: int = 10,
    reference: str | None = None,
    model: str | None = None,
    steps: int | None = None,
    answers: bool = True,
) -> None:
    """A trained model and its evaluation: `losses` of pairs of ten tokens each, `outcomes` of as many verdicts.

    Args:
        ids: what the pairs' ids begin with.
        labels: labelled tokens of each pair.
        model: name of the model, where it is not the evaluation's; one that is there is evaluated once more.
        answers: whether prompts were answered; else losses were measured only.
        steps: of its history; without one there is no history.
        evaluated_in: group of the evaluation, where it is not the model's.
        web: pairs there were, where fewer than `data.size`; `seeds` likewise of the seed.
    """
    data = data or DataConfig()
    tracking = TrackingConfig(group=group)
    if web is None:
        web = (data.size or 100) if data.scored else 0
    train = TrainConfig(
        output_root=str(root),
        name=model or name,
        seed=seed,
        tracking=tracking,
        model=ModelConfig(path=base),
        data=replace(data),
        optim=OptimConfig(lr=lr, end_lr=lr / 2),
    )
    if seeds is None:
        seeds = 8 if data.seed_path else 0
    trained(train, {"examples": web + seeds, "seed": seeds, "web": web}, steps)
    config = EvaluateConfig(
        output_root=str(root),
        name=name,
        seed=seed,
        tracking=tracking if evaluated_in == "the same" else TrackingConfig(group=evaluated_in),
        model_path=str(train.folder),
        tags=list(tags),
        judge=JudgeConfig(path=judge) if isinstance(judge, str) else judge,
        reference=reference,
    )
    evaluation = artifacts.begin(config)
    rows = [
        Answer(
            id=f"{ids}{i}",
            instruction=f"Question {i}? {asked}",
            human=f"Human {i}",
            answer=f"{name} {text}" if answers else None,
            loss=loss,
            labels=labels,
        )
        for i, loss in enumerate(losses)
    ]
    write(evaluation.folder / "data" / "00000.parquet", Answer, rows)
    metrics: dict[str, float] = dict(heldout.summary(rows))
    if outcomes:
        verdicts = [
            Verdict(
                id=f"{ids}{i}", first_probability=PREFERS[outcome], second_probability=PREFERS[outcome], outcome=outcome
            )
            for i, outcome in enumerate(outcomes)
        ]
        write(evaluation.folder / "verdicts" / "00000.parquet", Verdict, verdicts)
        metrics |= summary(verdicts)
    artifacts.finish(evaluation, started=time.time(), rows={"pairs": len(rows)}, metrics=metrics)


def trained(config: TrainConfig, rows: dict[str, int], steps: int | None) -> None:
    model = artifacts.begin(config)
    if model.finished:
        return
    if steps is not None:
        (model.folder / "history.csv").write_text(f"step,loss,lr,labels\n1,3,1e-5,9\n{steps},2,1e-5,9\n")
    artifacts.finish(model, started=time.time(), rows=rows)


def curated(root: Path, size: int | None, min_score: float | None) -> DataConfig:
    return DataConfig(scored=scored(root), min_score=min_score, size=size)


def noisy(rng: np.random.Generator, level: float, rows: int = ROWS) -> list[float]:
    """Losses around `level`: the same hard and easy rows every time, and noise of each run."""
    hard = np.linspace(-0.5, 0.5, rows)
    return [float(value) for value in level + hard + rng.normal(0, 0.05, rows) + rng.normal(0, 0.02)]


def judged(rng: np.random.Generator, rate: float, rows: int = ROWS) -> list[str]:
    return [str(outcome) for outcome in rng.choice(["win", "tie", "loss"], rows, p=[rate, 0.1, 0.9 - rate])]


def thresholds(root: Path, group: str = "curation_threshold", sizes: Sequence[int] = (3200,), seeds: int = 2) -> None:
    """None, A4 and A5 at each size, the stricter the better."""
    rng = np.random.default_rng(0)
    for size in sizes:
        for gain, least in enumerate((None, 4.0, 4.5)):
            for seed in range(seeds):
                step = gain * (1 + np.log2(size / sizes[0]))
                point(
                    root, group, f"{group}-a{least}-n{size}-s{seed}", noisy(rng, 3 - 0.05 * step),
                    outcomes=judged(rng, 0.45 + 0.04 * step), seed=seed, data=curated(root, size, least),
                )  # fmt: skip
