"""pages -> segments: units of pages as chunks of a bulk step, then duplicates and what else needs all rows, in order.

Verdicts that need all rows are made by one process, so neither workers nor a kill change a byte of the result.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from humpback_exp import artifacts, progress, reasons, records
from humpback_exp.artifacts import CHECKPOINTS, Artifact, Manifest
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.config import CorpusConfig, DatasetConfig, SegmentConfig
from humpback_exp.corpus import chunks, dedup, draw, files, late_filters, listing, pages, questions, results
from humpback_exp.corpus.files import File
from humpback_exp.corpus.late_filters import Rows
from humpback_exp.corpus.listing import Listing
from humpback_exp.corpus.optional_filters import OptionalFilters
from humpback_exp.corpus.results import Ledger
from humpback_exp.corpus.verdicts import Verdicts
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.seed import load_seed
from humpback_exp.data.sources import is_hub_corpus, streamed
from humpback_exp.progress import Advance
from humpback_exp.records import Segment
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker

CHUNKS = f"{CHECKPOINTS}/pages"
"""Subfolder for what units come to, until all is written."""
SET_ASIDE = "set_aside.txt"
"""File that names the pages which killed their workers, where there are any."""
UNITS = Bulk[pages.Unit, chunks.UnitCounts]


def run(config: SegmentConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Read the pages of `config.corpus.path`; leave `data/` (Segment), `dropped/` (DroppedSegment), `heldout/` where questions
    are asked for, and the manifest.
    """
    started = time.time()
    folder, corpus = artifact.folder, config.corpus
    ledger, speeds = work_all(config, tracker)
    counts, total = ledger.counts, len(ledger.pages)
    passed, masked, words = (counts.pop(name, 0) for name in ("kept", "masked", "capital words"))
    fingerprints = chunks.fingerprints(folder / CHUNKS, total)
    found = dedup.verdicts(fingerprints, passed, corpus.near_duplicate, folder / CHUNKS / "duplicates")
    rows = partial(chunks.kept, folder / CHUNKS, total)
    halves: dict[str, int] = {}
    if corpus.questions:
        pairs = questions.HeldoutPairs(chunks.heldout(folder / CHUNKS, total))
        halves = hold_out(corpus, pairs, rows, folder, found)
    drop_more(corpus, rows, found)
    kept = results.write(folder / CHUNKS, total, folder, found)
    drops = dict((counts + found.drops()).most_common())
    read, segments = sum(ledger.pages), passed + sum(counts[reason] for reason in reasons.of_rows(drops))
    if not kept:
        raise ValueError(_nothing_left(corpus.path, read, segments, drops))
    if words:
        progress.log.info("headers in capitals: %d are one word; corpus.capital_words=true keeps those", words)
    if ledger.set_aside:
        artifacts.write_text(folder / SET_ASIDE, "\n".join(ledger.set_aside) + "\n")
    states = _taken(config).states_sha256()
    told = {"files_sha256": states} if states else {}
    columns = ("id", "url", "offset", "heading_path", "text")
    return finish_stage(
        artifact,
        tracker,
        f"segments of {read:,} pages",
        started=started,
        rows={"pages": read, "segments found": segments, "segments": kept} | halves,
        drops=drops,
        metrics=speeds
        | {"pages_sha256": ledger.sha256}
        | told
        | ({"segments_masked": masked} if corpus.mask_pii else {}),
        tables={"segments": samples(records.read(folder, Segment), *columns)},
    )


def bulk(config: SegmentConfig) -> UNITS:
    """The units of the corpus, each a chunk of its own."""
    units = _taken(config)
    if not units.path.exists():  # by the command, before its workers
        _list(config, units)
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


def _list(config: SegmentConfig, units: Listing) -> None:
    """List the units; where pages are to be drawn, all in their seeded order, and the first of them."""
    corpus, rank = config.corpus, partial(shuffled_rank, config.corpus.seed)
    found = _files(corpus)
    if corpus.pages is None:
        units.write_with_neighbours(pages.units_of(found, corpus.path, config.chunk_size))
        return
    found = draw.drawn_files(found, corpus.pages, rank)
    everything = _everything(config)
    everything.write_with_neighbours(draw.shuffled(pages.units_of(found, corpus.path, config.chunk_size), rank))
    units.write(islice(everything, config.executor.workers))


def _taken(config: SegmentConfig) -> Listing:
    """The units that are worked on."""
    return Listing(config.folder / CHUNKS / "units.jsonl")


def _everything(config: SegmentConfig) -> Listing:
    """All units in their seeded order, where pages are drawn."""
    return Listing(config.folder / CHUNKS / "everything.jsonl")


def _files(corpus: CorpusConfig) -> Iterable[File]:
    """The files of a corpus, which may be a dataset."""
    return (
        files.together(streamed(corpus)) if is_hub_corpus(corpus) or corpus.dataset.split else listing.files_of(corpus)
    )


def cutter(config: SegmentConfig) -> Callable[[list[pages.Unit], Advance], list[chunks.UnitCounts]]:
    """What cuts the pages of units."""
    whole = DatasetConfig(prompts_only=True)
    paths = enumerate(config.corpus.decontaminate)
    prompts = [row for at, path in paths for row in load_seed(path, f"corpus.decontaminate.{at}", whole)]
    optional = OptionalFilters(config.corpus, [prompt.instruction for prompt in prompts])

    def process(units: list[pages.Unit], advance: Advance) -> list[chunks.UnitCounts]:
        return [chunks.work(unit, config.corpus, config.folder / CHUNKS, optional, advance) for unit in units]

    return process


def work_all(config: SegmentConfig, tracker: Tracker) -> tuple[Ledger, dict[str, float]]:
    """Do what is not committed yet, of drawn pages in waves until there are enough; pages a second and worker."""
    while True:
        units = bulk(config)
        speeds = _work(units, config, tracker)
        ledger = results.read_ledger(map(units.chunks(config).path, range(units.total)))
        most, read = config.corpus.pages, sum(ledger.pages)
        if most is None or read == most or not _take_more(config, units, ledger.pages, most):
            return ledger, speeds


def _work(units: UNITS, config: SegmentConfig, tracker: Tracker) -> dict[str, float]:
    if config.executor.name == "local":  # one unit is not worth a second process
        config = replace(config, executor=replace(config.executor, workers=min(config.executor.workers, units.total)))
    speeds = run_chunks(config, units, tracker)
    return {"pages_per_second": speeds["tokens_per_second"]} if speeds else {}


def _take_more(config: SegmentConfig, units: UNITS, pages_of: list[int], most: int) -> bool:
    """List as many units as hold the pages that are drawn; False where all are listed already."""
    current, everything = _taken(config), _everything(config)
    if sum(pages_of) > most:
        taken = draw.enough(everything, pages_of, most)
        units.chunks(config).path(len(taken) - 1).unlink()  # the last is cut to size, and done again
        current.write(taken)
        return True
    wanted = 2 * units.total
    current.write(islice(everything, wanted))
    return current.total > units.total


def hold_out(
    corpus: CorpusConfig, held: questions.HeldoutPairs, rows: Rows, folder: Path, found: Verdicts
) -> dict[str, int]:
    """Write `heldout/` and mark the rows that repeat a pair; how many pairs each half has."""
    if not held.rows:
        raise ValueError(
            f"corpus.questions=true: {corpus.path} has no page of questions; give heldout= pairs and set corpus.questions=false"
        )
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
    return (
        f"corpus.path={path}: no segment is left of {found} found in {read} pages; most were dropped for: {told}; "
        "loosen the corpus.* thresholds or give more pages"
    )
