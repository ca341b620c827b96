"""The units of a corpus: listed by the command, drawn where only some pages are wanted, and worked on until there are enough.

Each is a chunk of the bulk step. Called by the segment stage.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.chunks import Bulk
from humpback_exp.bulk.executors import run_chunks
from humpback_exp.config import CorpusConfig, DatasetConfig, SegmentConfig
from humpback_exp.corpus import chunks, draw, files, listing, pages, results
from humpback_exp.corpus.files import File
from humpback_exp.corpus.listing import Listing
from humpback_exp.corpus.optional_filters import OptionalFilters
from humpback_exp.corpus.results import Ledger
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.hub import is_hub_corpus
from humpback_exp.data.seed import load_seed
from humpback_exp.data.sources import streamed
from humpback_exp.progress import Advance
from humpback_exp.tracking import Tracker

CHUNKS = f"{CHECKPOINTS}/pages"
"""Subfolder for what units come to, until all is written."""
Units = Bulk[pages.Unit, chunks.UnitCounts]


def bulk(config: SegmentConfig) -> Units:
    """The units of the corpus, each a chunk of its own."""
    units = taken(config)
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


def taken(config: SegmentConfig) -> Listing:
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


def _work(units: Units, config: SegmentConfig, tracker: Tracker) -> dict[str, float]:
    speeds = run_chunks(config, units, tracker)
    return {"pages_per_second": speeds["tokens_per_second"]} if speeds else {}


def _take_more(config: SegmentConfig, units: Units, pages_of: list[int], most: int) -> bool:
    """List as many units as hold the pages that are drawn; False where all are listed already."""
    current, everything = taken(config), _everything(config)
    if sum(pages_of) > most:
        first = draw.enough(everything, pages_of, most)
        units.chunks(config).path(len(first) - 1).unlink()  # the last is cut to size, and done again
        current.write(first)
        return True
    wanted = 2 * units.total
    current.write(islice(everything, wanted))
    return current.total > units.total
