"""scored + the model that rated it -> rewritten: each selected output as that model would answer, or the draft kept."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.augmentation.rewriting import clean, keep_reason
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.completions import Completion
from humpback_exp.config import RewriteConfig
from humpback_exp.data.examples import kept_ids
from humpback_exp.inference.load import endpoint_record, load_engine
from humpback_exp.inference.protocol import row_seed
from humpback_exp.progress import Advance
from humpback_exp.prompts import rewriting
from humpback_exp.records import RewrittenCandidate, ScoredCandidate, read
from humpback_exp.stages.directions import check_direction
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker


def run(config: RewriteConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Write a row for every selected candidate; where no rewriting is usable the draft stays, with the reason."""
    started = time.time()
    check_rewriter(config, artifact)
    work = bulk(config)
    speeds = run_chunks(config, work, tracker)
    rows, drops, metrics = outcome(artifact.folder)
    columns = ("id", "instruction", "draft", "rewriting", "draft_kept")
    return finish_stage(
        artifact,
        tracker,
        f"rewrite {config.name}",
        started=started,
        rows=rows,
        drops=drops,
        metrics=metrics | speeds | endpoint_record(config.engine, config.model_path),
        tables={"rewritten": samples(read(artifact.folder, RewrittenCandidate), *columns)},
    )


def bulk(config: RewriteConfig) -> Bulk[ScoredCandidate, RewrittenCandidate]:
    """The selected candidates, each to be rewritten."""
    folder = artifacts.require_input(config.scored, "scored")
    ids = set(kept_ids(folder, config.seed, config.min_score, config.top_fraction))
    return Bulk(
        rows=lambda: (row for row in read(folder, ScoredCandidate) if row.id in ids),
        total=len(ids),
        cls=RewrittenCandidate,
        start=lambda: rewriter(config),
        kept=lambda row: not row.draft_kept,
    )


def rewriter(config: RewriteConfig) -> Callable[[list[ScoredCandidate], Advance], list[RewrittenCandidate]]:
    """What rewrites a chunk of candidates."""
    engine = load_engine(config.engine, config.model_path)

    def process(chunk: list[ScoredCandidate], advance: Advance) -> list[RewrittenCandidate]:
        conversations = [rewriting(row.instruction, row.output, config.tagged) for row in chunk]
        seeds = [row_seed(config.seed, row.id, "rewrite") for row in chunk]
        completions = engine.generate(conversations, config.generation, seeds, advance)
        return [rewritten(row, completion) for row, completion in zip(chunk, completions, strict=True)]

    return process


def check_rewriter(config: RewriteConfig, artifact: Artifact) -> None:
    """Raise when the model writes instructions, or is not the one that rated the candidates.

    A loop stays self-aligned as long as M_t rewrites what M_t has chosen.
    """
    check_direction(config.model_path, "forward", config.tagged)
    rater = artifacts.load(artifacts.require_input(config.scored, "scored")).inputs.get("model_path")
    if rater is None:
        raise ValueError(
            f"scored={config.scored}: its ratings were given, and a model rewrites only what it rated; score by another scorer="
        )
    if not artifacts.is_still(config.model_path, rater["fingerprint"]):
        raise ValueError(
            f"model_path={config.model_path}: another model rated {config.scored}; use model_path={rater['path']}"
        )


def rewritten(row: ScoredCandidate, completion: Completion) -> RewrittenCandidate:
    """The row with its new output, or with the draft and the reason why it stays."""
    text = clean(completion.answer)
    reason = completion.unusable or keep_reason(text, row.output, completion.finish)
    same = {column.name: getattr(row, column.name) for column in fields(ScoredCandidate) if column.name != "output"}
    output = row.output if reason else text
    return RewrittenCandidate(**same, output=output, draft=row.output, rewriting=completion.text, draft_kept=reason)


def outcome(folder: Path) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
    """Rows, drafts that were kept, and metrics of the rewritten candidates in a folder."""
    kept: Counter[str] = Counter()
    chars = drafted = 0
    for row in read(folder, RewrittenCandidate):
        kept[row.draft_kept] += 1
        chars, drafted = chars + len(row.output), drafted + len(row.draft)
    done = kept.pop("", 0)
    rows = {"candidates": done + kept.total(), "rewritten": done}
    drops = {reasons.DRAFT_KEPT + reason: count for reason, count in sorted(kept.items())}
    return rows, drops, {"length_ratio": chars / drafted}
