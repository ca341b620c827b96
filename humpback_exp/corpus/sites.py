"""Lines that stand on many pages of a site, found on a sample of each: boilerplate, whatever they say.

A site is a host or, of a folder of files, each file's own folder and its first one below the corpus. The sample of a
site is the same for all units that share it (the site's files, or the records of one range of an archive), so what is
left out depends neither on workers nor on chunks. Called by chunks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from humpback_exp.corpus.decoding import NotAPage, decode
from humpback_exp.corpus.files import File
from humpback_exp.corpus.flatten import flatten
from humpback_exp.corpus.pages import Page, Unit, read, read_file
from humpback_exp.corpus.segments import line

AT_EDGE = "\x02"
Sites = dict[str, frozenset[str]]
"""The lines to leave out, by site."""
SAMPLE = 64
"""Pages of a site that are looked at."""
MOST = 100_000
"""Sites that are counted at a time before small ones are forgotten."""
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


def add_neighbours(units: Sequence[Unit]) -> None:
    """Tell every unit of HTML files a sample, spread evenly, of each site that it has a part of."""
    found = samples(units)
    for unit in units:
        unit.neighbours = neighbours(unit, found)


def samples(units: Iterable[Unit]) -> dict[str, list[str]]:
    """Files of every site, spread evenly; held are names of the sample alone.

    Args:
        units: in order, read twice.
    """
    counts = _counts(units)
    found: dict[str, list[str]] = {site: [] for site in counts}
    seen: Counter[str] = Counter()
    for unit in units:
        for name, site in _sites(unit):
            if site in found:
                if seen[site] == _place(len(found[site]), counts[site]):
                    found[site].append(name)
                seen[site] += 1
    return found


def neighbours(unit: Unit, found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Of the samples those of the sites that a unit has a part of."""
    own = {site for _, site in _sites(unit)}
    return {site: found[site] for site in sorted(own) if site in found}


def _counts(units: Iterable[Unit]) -> dict[str, int]:
    """Files of the sites that have enough; those of small ones that lie behind are forgotten as others come."""
    counts: Counter[str] = Counter()
    most = MOST
    for unit in units:
        for _, site in _sites(unit):
            counts[site] += 1
        if len(counts) > most:
            last = unit.names[-1]
            counts = Counter({s: n for s, n in counts.items() if n >= MIN_PAGES or not s or last.startswith(f"{s}/")})
            most = MOST + 2 * len(counts)
    return {site: number for site, number in counts.items() if number >= MIN_PAGES}


def _place(number: int, count: int) -> int:
    """Where in a site of so many files the next of its sample stands."""
    return number if count <= SAMPLE else number * count // SAMPLE


def repeated(unit: Unit, max_page_mb: int) -> Sites:
    """The lines of every site of a unit that stand on many of its pages."""
    if not unit.is_archive:
        return {site: _of_files(tuple(names), unit.root, max_page_mb) for site, names in unit.neighbours.items()}
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


def _sites(unit: Unit) -> Iterator[tuple[str, str]]:
    for file in () if unit.is_archive else unit.files:
        for site in sites_of(file.address):
            yield file.name, site


@lru_cache(maxsize=64)
def _of_files(names: tuple[str, ...], root: str, max_page_mb: int) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for name in names:
        counts.update(_lines(read_file(File(root, name), max_page_mb << 20)))
    return _many(counts, len(names))


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
