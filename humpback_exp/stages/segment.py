"""pages -> segments: units of pages as chunks of a bulk step, then duplicates out, in order.

Duplicates are looked for over all chunks in order, by one process, so neither workers nor a kill change a byte of the result.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from humpback_exp import artifacts, progress, reasons, records
from humpback_exp.artifacts import CHECKPOINTS, Artifact, Manifest
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.config import CorpusConfig, SegmentConfig
from humpback_exp.corpus import chunks, dedup, files, listing, pages, questions
from humpback_exp.corpus.files import File
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.sources import is_hub_id, streamed
from humpback_exp.progress import Advance
from humpback_exp.records import DroppedSegment, Segment
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker

ROWS_PER_FILE = 10_000
CHUNKS = f"{CHECKPOINTS}/pages"
"""Subfolder for what units come to, until all is written."""
SET_ASIDE = "set_aside.txt"
"""File that names the pages which killed their workers, where there are any."""
R = TypeVar("R")


def run(config: SegmentConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Read the pages of `config.corpus.path`; leave `data/` (Segment), `dropped/` (DroppedSegment), `heldout/` where questions
    are asked for, and the manifest.
    """
    started = time.time()
    folder = artifact.folder / CHUNKS
    units = bulk(config)
    speeds = _work_all(units, config, tracker)
    counts, set_aside, content = _ledger(units, config)
    read, passed, words = counts.pop("pages", 0), counts.pop("kept", 0), counts.pop("capital words", 0)
    fingerprints = chunks.fingerprints(folder, units.total)
    repeats = dedup.reasons(fingerprints, passed, config.corpus.near_duplicate, folder / "signatures")
    halves: dict[str, int] = {}
    if config.corpus.questions:
        halves = _hold_out(config.corpus.path, folder, units.total, artifact.folder, repeats)
    duplicates = Counter(reason for reason in repeats if reason)
    kept = _write(folder, units.total, artifact.folder, repeats)
    drops = dict((counts + duplicates).most_common())
    found = passed + sum(counts[reason] for reason in reasons.of_rows(drops))
    if not kept:
        raise ValueError(_nothing_left(config.corpus.path, read, found, drops))
    if words:
        progress.log.info("headers in capitals: %d are one word; corpus.capital_words=true keeps those", words)
    if set_aside:
        artifacts.write_text(artifact.folder / SET_ASIDE, "\n".join(set_aside) + "\n")
    columns = ("id", "url", "offset", "heading_path", "text")
    return finish_stage(
        artifact,
        tracker,
        f"segments of {read:,} pages",
        started=started,
        rows={"pages": read, "segments found": found, "segments": kept} | halves,
        drops=drops,
        metrics=speeds | {"pages_sha256": content},
        tables={"segments": samples(records.read(artifact.folder, Segment), *columns)},
    )


def bulk(config: SegmentConfig) -> Bulk[pages.Unit, chunks.UnitCounts]:
    """The units of the corpus, each a chunk of its own."""
    units = listing.Listing(config.folder / CHUNKS / "units.jsonl")
    if not units.path.exists():  # by the command, before its workers
        found = pages.units_of(_files(config.corpus), config.corpus.path, config.chunk_size)
        units.write_with_neighbours(found)
    return Bulk(
        rows=lambda: units,
        total=units.total,
        cls=chunks.UnitCounts,
        start=lambda: cutter(config),
        kept=lambda row: True,
        size=1,
        subfolder=f"{CHUNKS}/done",
        words=("units", "pages", ""),
    )


def _files(corpus: CorpusConfig) -> Iterable[File]:
    """The files of a corpus, which may be a dataset."""
    hub = not Path(corpus.path).exists() and is_hub_id(corpus.path)
    return files.together(streamed(corpus)) if hub or corpus.dataset.split else listing.files_of(corpus)


def cutter(config: SegmentConfig) -> Callable[[list[pages.Unit], Advance], list[chunks.UnitCounts]]:
    """What cuts the pages of units."""

    def process(units: list[pages.Unit], advance: Advance) -> list[chunks.UnitCounts]:
        return [chunks.work(unit, config.corpus, config.folder / CHUNKS, advance) for unit in units]

    return process


def _work_all(units: Bulk[pages.Unit, chunks.UnitCounts], config: SegmentConfig, tracker: Tracker) -> dict[str, float]:
    """Do what is not committed yet; pages a second and worker."""
    if config.executor.name == "local":  # one unit is not worth a second process
        config = replace(config, executor=replace(config.executor, workers=min(config.executor.workers, units.total)))
    speeds = run_chunks(config, units, tracker)
    return {"pages_per_second": speeds["tokens_per_second"]} if speeds else {}


def _ledger(units: Bulk[pages.Unit, chunks.UnitCounts], config: SegmentConfig) -> tuple[Counter[str], list[str], str]:
    """What all units counted, the pages that were set aside, and the digest of all that was read."""
    counts: Counter[str] = Counter()
    set_aside: list[str] = []
    hashed = hashlib.sha256()
    for number in range(units.total):
        for row in records.read_file(units.chunks(config).path(number), chunks.UnitCounts):
            counts.update(json.loads(row.counts))
            set_aside += row.set_aside
            hashed.update(row.sha256.encode())
    return counts, set_aside, hashed.hexdigest()


def _hold_out(path: str, chunk_folder: Path, number: int, folder: Path, found: list[str | None]) -> dict[str, int]:
    """Write `heldout/` and add to the rows' reasons those of the rows that repeat a pair; how many pairs each half has."""
    pairs = questions.HeldoutPairs(chunks.heldout(chunk_folder, number))
    if not pairs.rows:
        raise ValueError(
            f"corpus.questions=true: {path} has no page of questions; give heldout= pairs and set corpus.questions=false"
        )
    for at, row in enumerate(chunks.kept(chunk_folder, number)):
        if not found[at] and pairs.repeated_in(row.text):
            found[at] = reasons.OVERLAPS
    ordered = sorted(pairs.rows, key=lambda pair: shuffled_rank(0, pair.id))
    middle = len(ordered) // 2
    halves = {"development": ordered[:middle], "test": ordered[middle:]}
    (folder / "heldout").mkdir(exist_ok=True)
    for name, half in halves.items():
        lines = [json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in half]
        artifacts.write_text(folder / "heldout" / f"{name}.jsonl", "".join(lines))
    rows = {f"held-out pairs, {name}": len(half) for name, half in halves.items()}
    progress.log.info("questions: %s", ", ".join(f"{count} {name}" for name, count in rows.items()))
    return rows


def _write(chunk_folder: Path, number: int, folder: Path, found: list[str | None]) -> int:
    """Write `data/` and `dropped/`, each passed row of the chunks by its reason; the number of segments kept."""
    kept = (row.segment() for row, reason in _passed(chunk_folder, number, found) if not reason)
    duplicates = (row.dropped(reason) for row, reason in _passed(chunk_folder, number, found) if reason)
    total = _write_files(folder / "data", Segment, kept)
    _write_files(folder / "dropped", DroppedSegment, chain(chunks.dropped(chunk_folder, number), duplicates))
    return total


def _passed(
    chunk_folder: Path, number: int, found: list[str | None]
) -> Iterator[tuple[chunks.SignedSegment, str | None]]:
    return zip(chunks.kept(chunk_folder, number), found, strict=True)


def _write_files(folder: Path, cls: type[R], rows: Iterable[R]) -> int:
    """Write rows as numbered files and return how many there were."""
    rows = iter(rows)
    total = number = 0
    while part := list(islice(rows, ROWS_PER_FILE)):
        total += records.write(folder / f"{number:05d}.parquet", cls, part)
        number += 1
    return total


def _nothing_left(path: str, read: int, found: int, drops: dict[str, int]) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in list(drops.items())[:5]) or "none"
    return (
        f"corpus.path={path}: no segment is left of {found} found in {read} pages; most were dropped for: {reasons}; "
        "loosen the corpus.* thresholds or give more pages"
    )
