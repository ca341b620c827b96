"""Lines that stand on many pages of a site, found on a sample of each: boilerplate, whatever they say.

A site is a host or, of a folder of files, each file's own folder and its first one below the corpus. The sample of a
site is the same for all units that share it (the site's files, or the records of one range of an archive), so what is
left out depends neither on workers nor on chunks. Called by chunks.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from humpback_exp.corpus.decoding import NotAPage, decode
from humpback_exp.corpus.flatten import flatten
from humpback_exp.corpus.pages import Page, Unit, address, read, read_file
from humpback_exp.corpus.segments import line

AT_EDGE = "\x02"
Sites = dict[str, frozenset[str]]
"""The lines to leave out, by site."""
SAMPLE = 64
"""Pages of a site that are looked at."""
MIN_PAGES = 5
MIN_SHARE = 0.5
MIN_EDGE_SHARE = 0.1
"""Fewer pages do for a line that begins or ends them: a site in ten languages has ten of its closing lines."""
EDGE = 2
"""Lines at either end of a page that may be such a line."""
MIN_WORDS = 3
"""Shorter lines, such as `Example:`, are words of the language rather than of the site."""
MAX_CHARS = 400


def sites_of(url: str) -> list[str]:
    """The host of an address, or the first and the last folder of a path."""
    if "://" in url:
        return [url.split("/")[2].lower()]
    return sorted({url.partition("/")[0], url.rpartition("/")[0]}) if "/" in url else [""]


def add_neighbours(units: list[Unit]) -> None:
    """Tell every unit of HTML files a sample, spread evenly, of each site that it has a part of."""
    by_site: dict[str, list[Path]] = {}
    for unit in units:
        for file, site in _sites(unit):
            by_site.setdefault(site, []).append(file)
    samples = {site: _spread(files) for site, files in by_site.items() if len(files) >= MIN_PAGES}
    for unit in units:
        own = {site for _, site in _sites(unit)}
        unit.neighbours = {site: samples[site] for site in sorted(own) if site in samples}


def repeated(unit: Unit, max_page_mb: int) -> Sites:
    """The lines of every site of a unit that stand on many of its pages."""
    if not unit.is_archive:
        return {site: _of_files(tuple(files), unit.folder, max_page_mb) for site, files in unit.neighbours.items()}
    hosts = Counter(site for page in read(unit, max_page_mb) if not page.reason for site in sites_of(page.url))
    wanted = {host: min(pages, SAMPLE) for host, pages in hosts.items() if host and pages >= MIN_PAGES}
    counts: dict[str, Counter[str]] = {host: Counter() for host in wanted}
    left = dict(wanted)
    for page in read(unit, max_page_mb) if wanted else ():
        for host in sites_of(page.url):
            if left.get(host) and not page.reason:
                left[host] -= 1
                counts[host].update(_lines(page))
    return {host: _many(counts[host], pages) for host, pages in wanted.items()}


def lines_of(url: str, sites: Sites) -> frozenset[str]:
    """The lines to leave out of a page."""
    return frozenset().union(*(sites.get(site, ()) for site in sites_of(url)))


def _sites(unit: Unit) -> Iterator[tuple[Path, str]]:
    for file in () if unit.is_archive else unit.files:
        for site in sites_of(address(file, unit.folder)):
            yield file, site


def _spread(files: list[Path]) -> list[Path]:
    return files if len(files) <= SAMPLE else [files[number * len(files) // SAMPLE] for number in range(SAMPLE)]


@lru_cache(maxsize=64)
def _of_files(files: tuple[Path, ...], folder: Path, max_page_mb: int) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for file in files:
        counts.update(_lines(read_file(file, folder, max_page_mb << 20)))
    return _many(counts, len(files))


def _many(counts: Counter[str], pages: int) -> frozenset[str]:
    inner, edge = max(MIN_PAGES, MIN_SHARE * pages), max(MIN_PAGES, MIN_EDGE_SHARE * pages)
    return frozenset(
        key.removeprefix(AT_EDGE) for key, number in counts.items() if number >= (edge if key[:1] == AT_EDGE else inner)
    )


def _lines(page: Page) -> set[str]:
    """The lines of a page, those at its ends once more as such."""
    if page.reason:
        return set()
    try:
        texts = [line(block) for block in flatten(decode(page.html, page.charset))]
    except NotAPage:
        return set()
    lines = [text for text in texts if text]
    edges = {AT_EDGE + text for text in (*lines[:EDGE], *lines[-EDGE:]) if not text.startswith("# ")}
    return {text for text in {*lines, *edges} if len(text) <= MAX_CHARS and len(text.split()) >= _words(text)}


def _words(text: str) -> int:
    """A site's name in the header of every page may be one word."""
    return 2 if text.startswith("# ") else MIN_WORDS
