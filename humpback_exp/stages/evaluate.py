"""model + held-out human pairs -> losses, answers, verdicts of a judge, ratings."""

import time
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import EvaluateConfig
from humpback_exp.data.seed import load_seed
from humpback_exp.evaluation import heldout, ratings
from humpback_exp.evaluation.win_rate import compare, win_rate
from humpback_exp.inference.engine import Engine, load_engine
from humpback_exp.progress import bar, stage_table
from humpback_exp.records import Answer, Example, Rating, Verdict, read, write
from humpback_exp.tracking import Tracker


def run(config: EvaluateConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Measure; each of the three measurements is a file, and a file that exists is not measured again."""
    started = time.time()
    pairs = load_seed(config.heldout, "heldout")
    engine = load_engine(config.engine, config.model_path)
    rows = answered(engine, pairs, config, artifact.folder)
    metrics: dict[str, float] = heldout.summary(rows)
    if config.ratings:
        metrics |= ratings.summary(rated(engine, pairs[: config.ratings], config, artifact.folder))
    if config.reference:
        there = {row.id: row for row in read(artifacts.require_input(config.reference, "evals"), Answer)}
        metrics |= heldout.difference(rows, there)
        if config.judge.path:
            opponents = {row.id: row.answer for row in there.values() if row.answer is not None}
            metrics |= win_rate(judged(engine, rows, opponents, config, artifact.folder))
    manifest = artifacts.finish(artifact, started=started, rows={"pairs": len(rows)}, metrics=metrics)
    tracker.table(
        "answers", [{"instruction": r.instruction, "human": r.human, "answer": r.answer, "loss": r.loss} for r in rows]
    )
    stage_table(f"evaluate {config.name}", len(pairs), len(rows), {}, manifest.wall_seconds, artifact.folder)
    return manifest


def answered(engine: Engine, pairs: Sequence[Example], config: EvaluateConfig, folder: Path) -> list[Answer]:
    """Losses of all pairs, and answers to the first `judge.prompts`; kept in `data/`."""
    path = folder / "data" / "00000.parquet"
    asked = pairs[: config.judge.prompts] if config.judge.path else []
    if not path.exists():
        with bar(len(pairs) + len(asked), f"evaluate {config.name}") as progress:
            losses = heldout.losses(engine, pairs, config.tags, progress.update)
            texts = heldout.answers(engine, asked, config.tags, config.generation, config.seed, progress.update)
        written = [*texts, *[None] * (len(pairs) - len(texts))]
        rows = [
            Answer(
                id=p.id, instruction=p.instruction, human=p.output, answer=text, loss=loss / max(count, 1), labels=count
            )
            for p, (loss, count), text in zip(pairs, losses, written, strict=True)
        ]
        write(path, Answer, rows)
    return list(read(folder, Answer))


def rated(engine: Engine, pairs: Sequence[Example], config: EvaluateConfig, folder: Path) -> list[Rating]:
    """Ratings of true and mismatched pairs by both scorers; kept in `ratings/`."""
    path = folder / "ratings" / "00000.parquet"
    if not path.exists():
        with bar(4 * len(pairs), f"rate {config.name}") as progress:
            rows = ratings.rate(engine, pairs, config.rubric.prompt, config.rating, config.seed, progress.update)
        write(path, Rating, rows)
    return list(read(folder, Rating, "ratings"))


def judged(
    engine: Engine, rows: Sequence[Answer], opponents: dict[str, str], config: EvaluateConfig, folder: Path
) -> list[Verdict]:
    """The judge's verdicts; kept in `verdicts/`. A judge that is the model itself is not loaded twice."""
    path = folder / "verdicts" / "00000.parquet"
    assert config.judge.path is not None
    if not path.exists():
        same = config.judge.path == config.model_path
        judge = engine if same else load_engine(config.engine, config.judge.path, "judge.path")
        write(path, Verdict, compare(judge, rows, opponents))
    return list(read(folder, Verdict, "verdicts"))
