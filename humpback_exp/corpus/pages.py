"""What `corpus.path` holds -> work units -> pages. HTML files are bundled, a file with many pages is shared out by ranges.

Called by the segment stage. What a page says is not looked at here; segments and decoding do that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from humpback_exp import reasons
from humpback_exp.artifacts.addresses import ASKED
from humpback_exp.corpus import files, markdown, streams
from humpback_exp.corpus.files import File
from humpback_exp.corpus.kinds import ARCHIVES, TABLES, holds_many, is_page, kind_of, reader_of
from humpback_exp.progress import log

KINDS = 1000
"""Kinds of files that are no pages which are counted apart: a million files may have as many names without a suffix."""


@dataclass(slots=True)
class Page:
    """A page as it was delivered, or the reason why it was not."""

    url: str
    html: bytes = b""
    charset: str | None = None
    """What HTTP said."""
    reason: str = ""
    """Empty for a page that can be used."""
    version: str = field(default="", compare=False)
    """Which of several visits to the address it is from; empty for a file."""


@dataclass(slots=True)
class Unit:
    """What one worker reads at a time; its number is its place in the order of all."""

    number: int
    root: str
    """The folder or address of the corpus."""
    names: list[str]
    """Files below it."""
    start: int = 0
    end: int | None = None
    """The range of a file with many pages, in bytes, or of a Parquet file, in row groups."""
    most: int | None = None
    """Pages that are read of it; None reads all."""
    state: str = ""
    """Of a file with many pages at an address: what its server said of it when the units were listed."""
    neighbours: dict[str, list[str]] = field(default_factory=dict)
    """Some files of each site that the unit has a part of, the same for all its units."""

    @property
    def files(self) -> list[File]:
        return [File(self.root, name) for name in self.names]

    def describe(self) -> str:
        """Where its pages are, for people to read."""
        first = self.files[0].address
        return f"{first}, range {self.start}-{self.end or 'end'}" if self.is_archive else f"{first} and what follows"

    @property
    def is_archive(self) -> bool:
        """Whether it is a range of a file with many pages rather than files with a page each."""
        return holds_many(File(self.root, self.names[0]))


def units(path: str, chunk_size: int) -> list[Unit]:
    """The work of a corpus, in the order of the files' names, those with many pages last.

    Raises:
        ValueError: nothing to read at `path`, or no leave to.
    """
    found = [files.at(path)] if files.is_file(path) else files.below(path)
    return list(units_of(found, path, chunk_size))


def units_of(found: Iterable[File], path: str, chunk_size: int) -> Iterator[Unit]:
    """The same of files that were found already; names of pages are held a unit at a time.

    Raises:
        ValueError: none of them holds pages.
    """
    html: list[str] = []
    packed: list[File] = []
    unread: Counter[str] = Counter()
    number = 0
    for file in found:
        if holds_many(file):
            packed.append(file)
        elif is_page(file):
            html.append(file.name)
        else:
            kind = kind_of(file)
            unread[kind if kind in unread or len(unread) < KINDS else "others"] += 1
        if len(html) == chunk_size:
            yield Unit(number, file.root, html)
            html, number = [], number + 1
    if html:
        yield Unit(number, file.root, html)
        number += 1
    with ThreadPoolExecutor(ASKED) as pool:
        for file, (state, ranges) in zip(packed, pool.map(_shares, packed), strict=True):
            for start, end in ranges:
                yield Unit(number, file.root, [file.name], start, end, state=state)
                number += 1
    if not number:
        kinds = ", ".join((".html", ".htm", ".xhtml", *markdown.NAMES, *ARCHIVES, *TABLES))
        raise ValueError(f"corpus.path={path}: no page among {unread.total()} files; give a file or folder of {kinds}")
    if unread:
        told = ", ".join(f"{kind} {count}" for kind, count in unread.most_common(8))
        log.info("%d files not read, for they are no pages: %s", unread.total(), told)


def _shares(file: File) -> tuple[str, list[tuple[int, int | None]]]:
    """State of a file, and what workers may share of it; one that is not there is told when it is read."""
    try:
        return file.state(), reader_of(file).ranges(file)
    except (FileNotFoundError, PermissionError):
        return "", [(0, None)]


def require_unchanged(unit: Unit) -> None:
    """Raise ValueError if a file at an address is not the one that was listed."""
    now = unit.files[0].state() if unit.state else ""
    if now != unit.state:
        raise ValueError(
            f"corpus.path={unit.files[0]}: has changed since it was listed ({now} now, {unit.state} then); delete the folder of "
            "this run, or choose another name=, to read all of it as it is now"
        )


def read(unit: Unit, max_page_mb: int = 8) -> Iterator[Page]:
    """The pages of a unit; those that cannot be read come with a reason."""
    return islice(_read(unit, max_page_mb << 20), unit.most)


def _read(unit: Unit, limit: int) -> Iterator[Page]:
    for file in unit.files:
        if not unit.is_archive:
            yield read_file(file, limit)
            continue
        try:
            for found in reader_of(file).read(file, unit.start, unit.end, limit):
                yield Page(found.url, found.html, found.charset, found.reason, found.version)
        except (FileNotFoundError, PermissionError):
            yield Page(file.address, reason=reasons.UNREADABLE)


def read_file(file: File, limit: int) -> Page:
    """The page of one file, unpacked where it is packed."""
    url = file.address
    try:
        content = b""
        for piece in streams.pieces(file):
            content += piece or b""
            if len(content) > limit:
                return Page(url, reason=reasons.TOO_LARGE)
        return Page(url, markdown.as_html(content) if file.kind.endswith(markdown.NAMES) else content)
    except OSError:
        return Page(url, reason=reasons.UNREADABLE)
