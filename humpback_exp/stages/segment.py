"""pages -> segments: units of pages as chunks of a bulk step, then duplicates and what else needs all rows, in order.

Verdicts that need all rows are made by one process, so neither workers nor a kill change a byte of the result.
"""

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from humpback_exp import artifacts, progress, reasons, records
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import CorpusConfig, SegmentConfig
from humpback_exp.corpus import chunk_files, dedup, heap, late_filters, questions, results
from humpback_exp.corpus.late_filters import Rows
from humpback_exp.corpus.verdicts import Verdicts
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.seed import load_seed
from humpback_exp.records import Segment
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.stages.page_units import CHUNKS, bulk, taken, work_all
from humpback_exp.tracking import Tracker

__all__ = ["bulk", "run"]
HALVES = 2
"""Of the held-out pairs, each with one at least."""
NO_QUESTIONS = (
    "no page of questions (three headers or more with a question mark at the end, and half of a page's headers)"
)
SET_ASIDE = "set_aside.txt"
"""File that names the pages which killed their workers, where there are any."""


def run(config: SegmentConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Read the pages of `config.corpus.path`; leave `data/` (Segment), `dropped/` (DroppedSegment), `heldout/` where questions
    are asked for, and the manifest.
    """
    started = time.time()
    folder, corpus = artifact.folder, config.corpus
    ledger, speeds = work_all(config, tracker)
    heap.give_back_large_blocks()  # not before, for a worker in this process takes such blocks for every page
    counts, total = ledger.counts, len(ledger.pages)
    passed, masked, words = (counts.pop(name, 0) for name in ("kept", "masked", "capital words"))
    found, halves = judge(config, total, passed, counts)
    kept = results.write(folder / CHUNKS, total, folder, found)
    drops = dict((counts + found.drops()).most_common())
    read, segments = sum(ledger.pages), passed + sum(counts[reason] for reason in reasons.of_rows(drops))
    if not kept:
        raise ValueError(_nothing_left(corpus.path, read, segments, drops))
    if words:
        progress.log.info("headers in capitals: %d are one word; corpus.capital_words=true keeps those", words)
    if ledger.set_aside:
        artifacts.write_text(folder / SET_ASIDE, "\n".join(ledger.set_aside) + "\n")
    marks = {"pages_sha256": ledger.sha256, "files_sha256": taken(config).states_sha256()}
    columns = ("id", "url", "offset", "heading_path", "text")
    return finish_stage(
        artifact,
        tracker,
        f"segments of {read:,} pages",
        started=started,
        rows={"pages": read, "segments found": segments, "segments": kept} | halves,
        drops=drops,
        metrics=speeds
        | {name: mark for name, mark in marks.items() if mark}
        | ({"segments_masked": masked} if corpus.mask_pii else {}),
        tables={"segments": samples(records.read(folder, Segment), *columns)},
    )


def judge(config: SegmentConfig, total: int, passed: int, counts: Counter[str]) -> tuple[Verdicts, dict[str, int]]:
    """The verdict on every row that passed the filters of a page, and how many pairs are held out.

    Args:
        total: chunks.
        passed: rows in them.
        counts: drops by reason; those of answers are added.
    """
    corpus, there = config.corpus, config.folder / CHUNKS
    rows = partial(chunk_files.kept, there, total)
    found = dedup.verdicts(chunk_files.fingerprints(there, total), passed, corpus.near_duplicate, there / "duplicates")
    halves: dict[str, int] = {}
    if corpus.questions:
        held = questions.HeldoutPairs(chunk_files.heldout(there, total))
        counts.update({reasons.ANSWER + reasons.REPEATS_ANOTHER: held.copies} if held.copies else {})
        require_halves(config, held, counts)
        halves = hold_out(held, rows, config.folder, found)
    drop_more(corpus, rows, found)
    return found, halves


def require_halves(config: SegmentConfig, held: questions.HeldoutPairs, counts: Mapping[str, int]) -> None:
    """Raise the ValueError of questions that leave one half without a pair."""
    if len(held.rows) >= HALVES:
        return
    answers = {reason: count for reason, count in counts.items() if reason.startswith(reasons.ANSWER) and count}
    asked = len(held.rows) + sum(answers.values())
    told = "".join(f", {reason} {count}" for reason, count in answers.items())
    pages = (
        f"{asked} questions on its pages of questions, {len(held.rows)} to hold out{told}" if asked else NO_QUESTIONS
    )
    raise ValueError(
        f"corpus.questions=true: {config.corpus.path} has {pages}; {HALVES} are needed: "
        f"give heldout= pairs and set corpus.questions=false, in another output_root or after deleting {config.folder}"
    )


def hold_out(held: questions.HeldoutPairs, rows: Rows, folder: Path, found: Verdicts) -> dict[str, int]:
    """Write `heldout/` and mark the rows that repeat a pair; how many pairs each half has."""
    late_filters.mark_repeats(held, rows, found)
    halves = questions.write_halves(held, folder / "heldout", partial(shuffled_rank, 0))
    progress.log.info("questions: %s", ", ".join(f"{count} {name}" for name, count in halves.items()))
    return {f"held-out pairs, {name}": count for name, count in halves.items()}


def drop_more(corpus: CorpusConfig, rows: Rows, found: Verdicts) -> None:
    """Mark the rows that are unlike the seed, over the cap of their host, and not drawn."""
    rank = partial(shuffled_rank, corpus.seed)
    if corpus.min_quality is not None and corpus.quality_seed is not None:
        outputs = [pair.output for pair in load_seed(corpus.quality_seed, "corpus.quality_seed")]
        late_filters.mark_unlike(outputs, corpus.min_quality, rank, rows, found)
    if corpus.per_host is not None:
        late_filters.mark_over_cap(corpus.per_host, rows, found)
    if corpus.segments is not None:
        late_filters.mark_not_drawn(corpus.segments, rank, rows, found)


def _nothing_left(path: str, read: int, found: int, drops: dict[str, int]) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in list(drops.items())[:5]) or "none"
    held_out = drops.get(reasons.HELD_OUT, 0) > found / 2
    remedy = "set corpus.questions=false" if held_out else "loosen the corpus.* thresholds or give more pages"
    return f"corpus.path={path}: no segment is left of {found} found in {read} pages; most were dropped for: {told}; {remedy}"
