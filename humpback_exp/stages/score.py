"""candidates + rating model -> scored: every candidate with its rating, or with what could not be read."""

import time
from collections.abc import Callable, Sequence

from humpback_exp import artifacts
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import ScoreConfig
from humpback_exp.curation.ledger import ABANDONED, scored, tally
from humpback_exp.inference.bulk import Bulk
from humpback_exp.inference.engine import Advance, load_engine
from humpback_exp.inference.executors import run_chunks
from humpback_exp.inference.rating import by_likelihood, by_rating
from humpback_exp.progress import log, stage_table
from humpback_exp.records import Candidate, ScoredCandidate, read
from humpback_exp.tracking import Tracker

SAMPLES = 50


def run(config: ScoreConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Rate every candidate; nothing is selected here."""
    started = time.time()
    work = bulk(config)
    total = work.total
    speeds = run_chunks(config, work, tracker)
    manifest = close(artifact, total, started, speeds)
    tracker.table("scored", samples(artifact))
    if not manifest.rows["readable"]:
        log.warning(
            "%s: no rating could be read; try scorer=likelihood, a longer generation or a larger model", config.name
        )
    title = f"score {config.name} ({config.scorer})"
    abandoned = {"unreadable": total - manifest.rows["readable"]} if total > manifest.rows["readable"] else {}
    stage_table(title, total, manifest.rows["readable"], abandoned, manifest.wall_seconds, artifact.folder)
    return manifest


def bulk(config: ScoreConfig) -> Bulk[Candidate, ScoredCandidate]:
    """Every candidate that augmentation kept, to be rated."""
    folder = artifacts.require_input(config.candidates, "candidates")
    return Bulk(
        rows=lambda: (row for row in read(folder, Candidate) if not row.dropped),
        total=artifacts.load(folder).rows["candidates"],
        cls=ScoredCandidate,
        start=lambda: scorer(config),
        kept=lambda row: row.score is not None,
    )


def scorer(config: ScoreConfig) -> Callable[[list[Candidate], Advance], list[ScoredCandidate]]:
    """What scores a chunk of candidates."""
    engine = load_engine(config.engine, config.model_path)

    def process(chunk: list[Candidate], advance: Advance) -> list[ScoredCandidate]:
        pairs = [(row.instruction, row.output) for row in chunk]
        if config.scorer == "likelihood":
            gains = by_likelihood(engine, pairs, config.tagged, advance)
            return [scored(row, gain, []) for row, gain in zip(chunk, gains, strict=True)]
        ids = [row.id for row in chunk]
        ratings = by_rating(
            engine,
            pairs,
            ids,
            config.rubric.prompt,
            config.generation,
            config.attempts,
            config.seed,
            config.tagged,
            advance,
        )
        return [scored(row, score, raw) for row, (score, raw) in zip(chunk, ratings, strict=True)]

    return process


def close(artifact: Artifact, total: int, started: float, speeds: dict[str, float]) -> Manifest:
    """Check that the ledger adds up and finish the folder."""
    ledger = tally(read(artifact.folder, ScoredCandidate))
    assert ledger.total == total
    rows = {"candidates": total, "readable": total - ledger.outcomes[ABANDONED]} | dict(ledger.outcomes)
    metrics = {"readable_share": ledger.readable_share(), "mean_score": mean(ledger.scores)} | speeds
    return artifacts.finish(artifact, started=started, rows=rows, metrics=metrics)


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def samples(artifact: Artifact) -> list[dict[str, object]]:
    """The first rows, short enough to read."""
    return [
        {
            "id": row.id,
            "instruction": row.instruction,
            "output": row.output[:500],
            "score": row.score,
            "outcome": row.outcome,
            "raw": row.raw[-1][:500] if row.raw else "",
        }
        for row, _ in zip(read(artifact.folder, ScoredCandidate), range(SAMPLES), strict=False)
    ]
