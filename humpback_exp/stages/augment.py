"""segments + backward model -> candidates: one instruction a segment, or the reason there is none."""

import heapq
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.augmentation.instructions import clean, drop_reason
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.completions import Completion
from humpback_exp.config import AugmentConfig
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.inference.load import endpoint_record, load_engine
from humpback_exp.inference.protocol import row_seed
from humpback_exp.progress import Advance
from humpback_exp.prompts import backward
from humpback_exp.records import Candidate, Segment, read, read_ids
from humpback_exp.stages.directions import check_direction
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker


def run(config: AugmentConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Write a candidate row for every drawn segment; dropped rows stay, with their reason."""
    started = time.time()
    check_direction(config.model_path, "backward", config.tagged)
    work = bulk(config)
    speeds = run_chunks(config, work, tracker)
    rows, drops, metrics = outcome(artifact.folder)
    columns = ("id", "url", "instruction", "output", "dropped")
    return finish_stage(
        artifact,
        tracker,
        f"augment {config.name}",
        started=started,
        rows=rows,
        drops=drops,
        metrics=metrics | speeds | endpoint_record(config.engine, config.model_path),
        tables={"candidates": samples(read(artifact.folder, Candidate), *columns)},
    )


def bulk(config: AugmentConfig) -> Bulk[Segment, Candidate]:
    """The drawn segments, each to get an instruction."""
    folder = artifacts.require_input(config.segments, "segments")
    total = artifacts.load(folder).rows["segments"]
    drawn, last = total, None
    if config.limit is not None and config.limit < total:
        drawn, last = config.limit, last_rank(folder, config.limit, config.seed)
    return Bulk(
        rows=lambda: (
            row for row in read(folder, Segment) if last is None or shuffled_rank(config.seed, row.id) <= last
        ),
        total=drawn,
        cls=Candidate,
        start=lambda: writer(config),
        kept=lambda row: not row.dropped,
    )


def writer(config: AugmentConfig) -> Callable[[list[Segment], Advance], list[Candidate]]:
    """What writes the instructions of a chunk of segments."""
    engine = load_engine(config.engine, config.model_path)

    def process(segments: list[Segment], advance: Advance) -> list[Candidate]:
        conversations = [backward(segment.text, config.tagged) for segment in segments]
        seeds = [row_seed(config.seed, segment.id) for segment in segments]
        completions = engine.generate(conversations, config.generation, seeds, advance)
        drop_unfinished = config.generation.unfinished == "drop"
        pairs = zip(segments, completions, strict=True)
        return [candidate(segment, completion, drop_unfinished) for segment, completion in pairs]

    return process


def last_rank(folder: Path, limit: int, seed: int) -> str:
    """The seeded rank of the last segment drawn: the `limit`-th smallest, so that memory holds `limit` ranks at most."""
    return heapq.nsmallest(limit, (shuffled_rank(seed, row_id) for row_id in read_ids(folder)))[-1]


def candidate(segment: Segment, completion: Completion, drop_unfinished: bool = True) -> Candidate:
    """The row a segment becomes, with the reason when it is dropped."""
    instruction = clean(completion.answer)
    reason = completion.unusable or drop_reason(instruction, segment.text)
    if drop_unfinished:
        reason = reason or completion.unfinished
    return Candidate(
        id=segment.id,
        url=segment.url,
        offset=segment.offset,
        heading_path=segment.heading_path,
        instruction=instruction,
        output=segment.text,
        raw=completion.text,
        dropped=reason,
    )


REMEDY = {
    reasons.UNFINISHED: "raise generation.max_new_tokens",
    reasons.OVERFLOW: "cut shorter segments (corpus.max_chars) or use a model with a longer context",
    reasons.REASONING_ALONE: "raise generation.max_new_tokens, or use a model that does not think aloud",
    reasons.FILTERED: "use another model or endpoint",
    reasons.REFUSED: "use another model or endpoint",
    reasons.FAILED: "see the lines above for what the endpoint answered",
}
"""Why instructions were dropped -> what to do where that is the commonest reason."""


def remedy(drops: dict[str, int]) -> str:
    """What to do where no instruction is left."""
    commonest = max(drops, key=lambda reason: drops[reason], default="")
    return REMEDY.get(commonest, "train the backward model longer")


def outcome(folder: Path) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
    """Rows, drops and metrics of the candidates in a folder.

    Raises:
        ValueError: all were dropped.
    """
    found: Counter[str] = Counter()
    chars = 0
    for row in read(folder, Candidate):
        found[row.dropped] += 1
        chars += 0 if row.dropped else len(row.instruction)
    kept, drops = found.pop("", 0), dict(found)
    total = kept + sum(drops.values())
    if not kept:
        raise ValueError(f"{folder}: no usable instruction among {total} ({drops}); {remedy(drops)}")
    return {"segments": total, "candidates": kept}, drops, {"instruction_chars": chars / kept}
