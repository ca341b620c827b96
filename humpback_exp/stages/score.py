"""candidates + rating model -> scored: every candidate with its rating, or with what could not be read."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.config import ScoreConfig
from humpback_exp.config.rating import GIVEN, LIKELIHOODS
from humpback_exp.curation.agreement import comparison
from humpback_exp.curation.calibration import calibrate
from humpback_exp.curation.external import load_ratings
from humpback_exp.curation.outcomes import scored, tally
from humpback_exp.curation.parsing import Rated
from humpback_exp.evaluation.scorers.compared import OTHER, beside, compared_ids, confusion
from humpback_exp.evaluation.scorers.measure import measure
from humpback_exp.evaluation.scorers.models import load_models
from humpback_exp.evaluation.selectors import read_labelled
from humpback_exp.inference.load import endpoint_record
from humpback_exp.inference.openai.errors import NotSupported
from humpback_exp.progress import Advance, log, part
from humpback_exp.records import Candidate, Measured, ScoredCandidate, read
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker


def run(config: ScoreConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Rate every candidate; nothing is selected here."""
    started = time.time()
    work = bulk(config)
    speeds = run_chunks(config, work, tracker)
    if config.scorer == "likelihood":
        calibrate(artifact.folder, LIKELIHOODS[config.likelihood])
    rows, drops, metrics = outcome(artifact.folder, work.total)
    columns = ("id", "instruction", "output", "score", "outcome", "raw")
    if not rows["readable"]:
        log.warning(
            "%s: no rating could be read; try scorer=expected or likelihood, a longer generation or a larger model",
            config.name,
        )
    return finish_stage(
        artifact,
        tracker,
        f"score {config.name} ({config.scorer})",
        started=started,
        rows=rows,
        drops=drops,
        metrics=metrics | speeds | endpoint_record(config.engine, config.model_path, config.backward_path),
        tables={
            "scored": samples(read(artifact.folder, ScoredCandidate), *columns),
            "confusion": confusion(metrics),
        },
    )


def bulk(config: ScoreConfig) -> Bulk[Candidate, ScoredCandidate]:
    """Every candidate that augmentation kept, or every labelled pair of a file, to be rated."""
    path = Path(config.candidates)
    folder = path if path.is_file() else artifacts.require_input(config.candidates, "candidates")
    return Bulk(
        rows=lambda: candidates(folder),
        total=len(read_labelled(path)) if path.is_file() else artifacts.load(folder).rows["candidates"],
        cls=ScoredCandidate,
        start=lambda: scorer(config, folder),
        kept=lambda row: row.outcome != reasons.ABANDONED,
    )


def candidates(path: Path) -> Iterator[Candidate]:
    """Of a folder, or of a file of labelled pairs, which come from no page."""
    if path.is_file():
        nowhere: dict[str, Any] = {"url": "", "offset": 0, "heading_path": [], "raw": ""}
        for pair in read_labelled(path).values():
            yield Candidate(id=pair.id, instruction=pair.instruction, output=pair.output, **nowhere)
    else:
        yield from (row for row in read(path, Candidate) if not row.dropped)


def scorer(config: ScoreConfig, folder: Path) -> Callable[[list[Candidate], Advance], list[ScoredCandidate]]:
    """What scores a chunk of candidates; those that are compared are rated by the other scorer, too."""
    if config.scorer == GIVEN:
        return as_given(config, folder)
    models = load_models(config)
    compared = compared_ids(config, (row.id for row in candidates(folder)))

    def rate(scorer: str, rows: Sequence[Candidate], advance: Advance) -> list[Rated]:
        pairs = [(row.instruction, row.output) for row in rows]
        return measure(models, config, scorer, config.rubric, pairs, [row.id for row in rows], advance)

    def process(chunk: list[Candidate], advance: Advance) -> list[ScoredCandidate]:
        places = [place for place, row in enumerate(chunk) if row.id in compared]
        counted = part(advance, len(chunk) / (len(chunk) + len(places)))
        rated = rate(config.scorer, chunk, counted)
        if places:
            try:
                others = rate(OTHER[config.scorer], [chunk[place] for place in places], counted)
            except NotSupported as lack:
                raise ValueError(
                    f"compare={config.compare}: {lack}; compare=0 asks for scorer={config.scorer} alone, "
                    f"under another name= or with {config.folder} deleted"
                ) from None
            for place, other in zip(places, others, strict=True):
                rated[place] = beside(rated[place], other)
        scores = [{"generated": row.generated, "expected": row.expected}.get(config.scorer) for row in rated]
        return [scored(*row) for row in zip(chunk, scores, rated, strict=True)]

    return process


def as_given(config: ScoreConfig, folder: Path) -> Callable[[list[Candidate], Advance], list[ScoredCandidate]]:
    """What takes a chunk's scores from the file of given ratings; a candidate that it does not name is abandoned."""
    assert config.ratings is not None
    ratings = load_ratings(config.ratings, {row.id for row in candidates(folder)})

    def process(chunk: list[Candidate], advance: Advance) -> list[ScoredCandidate]:
        advance(len(chunk), 0)
        return [
            scored(row, ratings.get(row.id), Rated(dropped="" if row.id in ratings else reasons.UNRATED))
            for row in chunk
        ]

    return process


def outcome(folder: Path, total: int) -> tuple[dict[str, int], dict[str, int], dict[str, Any]]:
    """Rows, drops and metrics of a scored folder, whose outcomes add up to all candidates."""
    outcomes = tally(read(folder, Measured))
    assert outcomes.total == total, (outcomes.counts, total)
    rows = {"candidates": total, "readable": outcomes.readable} | dict(outcomes.counts)
    metrics: dict[str, Any] = {
        "readable_share": outcomes.readable / total if total else 0.0,
        "mean_score": outcomes.mean(),
        "histogram": outcomes.histogram(),
    }
    metrics |= comparison(read(folder, Measured))
    return rows, dict(outcomes.drops), metrics
