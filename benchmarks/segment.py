"""How near pages -> filtered segments comes to the bare parse of the same pages, on one core.

    python benchmarks/segment.py /usr/share/doc/sqlite3 --rounds 5

Every round runs all contestants in turn on the same pages in memory, so a busy machine slows them alike; ratios are taken
within a round. Run it with nothing else on the machine.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from resiliparse.parse.html import HTMLTree

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import dedup, pages
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.filters import drop_reason
from humpback_exp.corpus.segments import sections
from humpback_exp.progress import table

Pages = list[pages.Page]


def parse(page: pages.Page, config: CorpusConfig) -> None:
    """What nobody who parses with Lexbor can go below."""
    HTMLTree.parse(page.html.decode("utf-8", "replace"))


def cut(page: pages.Page, config: CorpusConfig) -> None:
    """Sections with their texts."""
    list(sections(page.url, page.html, page.charset))


def cut_and_filter(page: pages.Page, config: CorpusConfig) -> None:
    """Sections and the reason of each that is dropped."""
    for section in sections(page.url, page.html, page.charset):
        drop_reason(section, config)


def whole(page: pages.Page, config: CorpusConfig) -> None:
    """What a worker does for a page: sections, filters and the MinHash of what is kept."""
    for section in sections(page.url, page.html, page.charset):
        if drop_reason(section, config) is None:
            dedup.signature(section.text)


CONTESTANTS: dict[str, Callable[[pages.Page, CorpusConfig], None]] = {
    "bare parse": parse,
    "sections": cut,
    "sections, filters": cut_and_filter,
    "sections, filters, MinHash": whole,
}


def seconds(work: Callable[[pages.Page, CorpusConfig], None], found: Pages, config: CorpusConfig) -> float:
    """Time for all pages once."""
    started = time.perf_counter()
    for page in found:
        try:
            work(page, config)
        except NotAPage:
            continue
    return time.perf_counter() - started


def main() -> None:
    """Print MB/s, pages/s and the ratio to the bare parse with its spread over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found = [page for unit in pages.units(str(arguments.corpus), 256) for page in pages.read(unit) if not page.reason]
    megabytes, config = sum(len(page.html) for page in found) / 1e6, CorpusConfig(path=str(arguments.corpus))
    rounds = [
        {name: seconds(work, found, config) for name, work in CONTESTANTS.items()} for _ in range(arguments.rounds)
    ]
    rows = []
    for name in CONTESTANTS:
        ratios = [times[name] / times["bare parse"] for times in rounds]
        typical = statistics.median(times[name] for times in rounds)
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        rows.append({"": name, "MB/s": megabytes / typical, "pages/s": len(found) / typical, "times the parse": spread})
    print(f"{len(found)} pages, {megabytes:.1f} MB, {arguments.rounds} rounds\n{table(rows)}")


if __name__ == "__main__":
    main()
