"""pages -> segments: chunks of pages in worker processes, then duplicates out, in order.

What a killed run committed in `chunks/` is not done again. Duplicates are looked for over all chunks in order, by one
process, so neither workers nor a kill change a byte of the result.
"""

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from humpback_exp import artifacts, progress, reasons, records
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import SegmentConfig
from humpback_exp.corpus import chunks, dedup, pages, questions, sites
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.distributed import die_with_parent
from humpback_exp.records import DroppedSegment, Segment
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker

ROWS_PER_FILE = 10_000
R = TypeVar("R")


def run(config: SegmentConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Read the pages of `config.corpus.path`; leave `data/` (Segment), `dropped/` (DroppedSegment), `heldout/` where questions
    are asked for, and the manifest.
    """
    started = time.time()
    folder = artifact.folder / "chunks"
    units = pages.units(config.corpus.path, config.chunk_size)
    sites.add_neighbours(units)
    _work_all(units, config, folder)
    counts = chunks.counts(folder, len(units))
    read, passed, words = counts.pop("pages", 0), counts.pop("kept", 0), counts.pop("capital words", 0)
    fingerprints = chunks.fingerprints(folder, len(units))
    repeats = dedup.reasons(fingerprints, passed, config.corpus.near_duplicate, artifact.folder / "signatures")
    halves: dict[str, int] = {}
    if config.corpus.questions:
        halves = _hold_out(config.corpus.path, folder, len(units), artifact.folder, repeats)
    duplicates = Counter(reason for reason in repeats if reason)
    kept = _write(folder, len(units), artifact.folder, repeats)
    drops = dict((counts + duplicates).most_common())
    found = passed + sum(counts[reason] for reason in reasons.of_rows(drops))
    if not kept:
        raise ValueError(_nothing_left(config.corpus.path, read, found, drops))
    if words:
        progress.log.info("headers in capitals: %d are one word; corpus.capital_words=true keeps those", words)
    chunks.clear(folder, len(units))
    columns = ("id", "url", "offset", "heading_path", "text")
    return finish_stage(
        artifact,
        tracker,
        f"segments of {read:,} pages",
        started=started,
        rows={"pages": read, "segments found": found, "segments": kept} | halves,
        drops=drops,
        tables={"segments": samples(records.read(artifact.folder, Segment), *columns)},
    )


def _work_all(units: list[pages.Unit], config: SegmentConfig, folder: Path) -> None:
    """Do the units that are not committed yet."""
    waiting = [unit for unit in units if not chunks.committed(folder, unit.number).exists()]
    files, left = (sum(len(unit.files) for unit in some) for some in (units, waiting))
    with progress.bar(files, "segment", "page", initial=files - left) as bar:
        for unit in _worked(waiting, config, folder):
            bar.update(len(unit.files))


def _worked(units: list[pages.Unit], config: SegmentConfig, folder: Path) -> Iterator[pages.Unit]:
    """The units, each as soon as it is committed; in this process where one worker is enough."""
    if min(config.workers, len(units)) <= 1:
        for unit in units:
            chunks.work(unit, config.corpus, folder)
            yield unit
        return
    with _pool(min(config.workers, len(units))) as pool:
        futures = {pool.submit(chunks.work, unit, config.corpus, folder): unit for unit in units}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool:
            raise ValueError(
                f"workers={config.workers}: a worker was killed, perhaps for want of memory; "
                "the same command goes on where it stopped, workers=1 needs the least"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned: a fork would copy the locks that Arrow's and the progress bar's threads hold.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),))


def _start_worker(parent: int) -> None:
    """Die with the parent, for a worker that outlived a killed run would write the same files as the next."""
    die_with_parent(parent)
    progress.set_up_logging()


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
