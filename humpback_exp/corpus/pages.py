"""What `corpus.path` holds -> work units -> pages. HTML files are bundled, an archive is shared out by ranges of bytes.

Called by the segment stage. What a page says is not looked at here; segments and decoding do that.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from humpback_exp import reasons
from humpback_exp.corpus import archives, markdown, rows, streams
from humpback_exp.corpus.http import looks_like_html
from humpback_exp.progress import log

HTML = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".shtm", ".html.gz", ".htm.gz", ".xhtml.gz", ".html.zst")
ARCHIVES = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
TABLES = (rows.PARQUET, *rows.JSON_LINES)
OTHER = tuple(
    ".css .js .json .xml .txt .png .jpg .jpeg .gif .svg .ico .webp .pdf .zip .wacz .woff .woff2 .ttf .eot .mp3 .mp4 .map "
    ".warc.offset .cdx .cdxj .gz .zst .bz2 .xz .tar .inv .md5 .sha1".split()
)
"""Names of files that are no pages; what has none of these and looks like HTML inside is one."""
SNIFFED = 1024


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
    folder: Path
    """Urls of HTML files are relative to it, so ids are the same on every machine."""
    files: list[Path]
    start: int = 0
    end: int | None = None
    """The range of an archive, in bytes of the file, or of a Parquet file, in row groups."""
    neighbours: dict[str, list[Path]] = field(default_factory=dict)
    """Some files of each site that the unit has a part of, the same for all its units."""

    def describe(self) -> str:
        """Where its pages are, for people to read."""
        first = address(self.files[0], self.folder)
        return f"{first}, range {self.start}-{self.end or 'end'}" if self.is_archive else f"{first} and what follows"

    @property
    def is_archive(self) -> bool:
        """Whether it is a range of a file with many pages rather than files with a page each."""
        return _holds_many(self.files[0])


def units(path: str, chunk_size: int) -> list[Unit]:
    """The work of a corpus, in the order of the files' names.

    Raises:
        ValueError: nothing to read at `path`, or no leave to.
    """
    root = Path(path)
    folder, files = (root.parent, [root]) if root.is_file() else (root, _files(root))
    packed = [file for file in files if _holds_many(file)]
    html = [file for file in files if not _holds_many(file) and _is_page(file)]
    found = [Unit(0, folder, html[start : start + chunk_size]) for start in range(0, len(html), chunk_size)]
    found += [Unit(0, folder, [file], start, end) for file in packed for start, end in _reader(file).ranges(file)]
    if not found:
        kinds = ", ".join((".html", ".htm", ".xhtml", *markdown.NAMES, *ARCHIVES, *TABLES))
        raise ValueError(f"corpus.path={path}: no page among {len(files)} files; give a file or folder of {kinds}")
    _tell_unread(files, {*html, *packed})
    for number, unit in enumerate(found):
        unit.number = number
    return found


def _holds_many(file: Path) -> bool:
    return file.name.lower().endswith((*ARCHIVES, *TABLES))


def _reader(file: Path) -> ModuleType:
    """What reads a file with many pages: a module with `ranges` and `read`."""
    return rows if file.name.lower().endswith(TABLES) else archives


def _is_page(file: Path) -> bool:
    name = file.name.lower()
    if name.endswith((*HTML, *markdown.NAMES)):
        return True
    if name.endswith(OTHER):
        return False
    try:
        with file.open("rb") as opened:
            return looks_like_html(opened.read(SNIFFED))
    except OSError:
        return False


def _tell_unread(files: list[Path], read: set[Path]) -> None:
    kinds = Counter("".join(file.suffixes[-2:]).lower() or file.name for file in files if file not in read)
    if kinds:
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(8))
        log.info("%d files not read, for they are no pages: %s", kinds.total(), told)


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        raise ValueError(f"corpus.path={root}: no such file or folder; point it at a folder of .html or .warc.gz files")
    found: list[Path] = []
    for folder, _, names in os.walk(root, onerror=_unreadable):
        found += [Path(folder, name) for name in names]
    return sorted((file for file in found if file.is_file()), key=lambda file: file.relative_to(root).as_posix())


def _unreadable(error: OSError) -> None:
    raise ValueError(f"corpus.path={error.filename}: {error.strerror}; make the folder readable or choose another")


def read(unit: Unit, max_page_mb: int = 8) -> Iterator[Page]:
    """The pages of a unit; those that cannot be read come with a reason."""
    limit = max_page_mb << 20
    for file in unit.files:
        if unit.is_archive:
            for found in _reader(file).read(file, unit.start, unit.end, limit):
                yield Page(found.url, found.html, found.charset, found.reason, found.version)
        else:
            yield read_file(file, unit.folder, limit)


def address(file: Path, folder: Path) -> str:
    """The url of an HTML file."""
    return file.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def read_file(file: Path, folder: Path, limit: int) -> Page:
    """The page of one file, unpacked where it is packed."""
    url = address(file, folder)
    try:
        content = b""
        for piece in streams.pieces(file):
            content += piece or b""
            if len(content) > limit:
                return Page(url, reason=reasons.TOO_LARGE)
        return Page(url, markdown.as_html(content) if file.name.lower().endswith(markdown.NAMES) else content)
    except OSError:
        return Page(url, reason=reasons.UNREADABLE)
