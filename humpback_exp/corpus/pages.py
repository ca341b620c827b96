"""What `corpus.path` holds -> work units -> pages. HTML files are bundled, an archive is a unit of its own.

Called by the segment stage. What a page says is not looked at here; segments and decoding do that.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.corpus import archives

HTML = (".html", ".htm", ".xhtml")
ARCHIVES = (".warc", ".warc.gz", ".arc", ".arc.gz")


@dataclass(slots=True)
class Page:
    """A page as it was delivered, or the reason why it was not."""

    url: str
    html: bytes = b""
    charset: str | None = None
    """What HTTP said."""
    reason: str = ""
    """Empty for a page that can be used."""


@dataclass(slots=True)
class Unit:
    """What one worker reads at a time; its number is its place in the order of all."""

    number: int
    folder: Path
    """Urls of HTML files are relative to it, so ids are the same on every machine."""
    files: list[Path]


def units(path: str, chunk_size: int) -> list[Unit]:
    """The work of a corpus, in the order of the files' names.

    Raises:
        ValueError: nothing to read at `path`, or no leave to.
    """
    root = Path(path)
    folder, files = (root.parent, [root]) if root.is_file() else (root, _files(root))
    html = [file for file in files if file.name.lower().endswith(HTML)]
    bundles = [html[start : start + chunk_size] for start in range(0, len(html), chunk_size)]
    bundles += [[file] for file in files if file.name.lower().endswith(ARCHIVES)]
    if not bundles:
        kinds = ", ".join(HTML + ARCHIVES)
        raise ValueError(f"corpus.path={path}: no page among {len(files)} files; give a file or folder of {kinds}")
    return [Unit(number, folder, bundle) for number, bundle in enumerate(bundles)]


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        raise ValueError(f"corpus.path={root}: no such file or folder; point it at a folder of .html or .warc.gz files")
    found: list[Path] = []
    for folder, _, names in os.walk(root, onerror=_unreadable):
        found += [Path(folder, name) for name in names]
    return sorted((file for file in found if file.is_file()), key=lambda file: file.relative_to(root).as_posix())


def _unreadable(error: OSError) -> None:
    raise ValueError(f"corpus.path={error.filename}: {error.strerror}; make the folder readable or choose another")


def read(unit: Unit) -> Iterator[Page]:
    """The pages of a unit; those that cannot be read come with a reason."""
    for file in unit.files:
        if file.name.lower().endswith(ARCHIVES):
            for url, html, charset, reason in archives.read(file):
                yield Page(url, html, charset, reason)
        else:
            yield _read_file(file, unit.folder)


def _read_file(file: Path, folder: Path) -> Page:
    url = file.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()
    try:
        return Page(url, file.read_bytes())
    except OSError:
        return Page(url, reason=reasons.UNREADABLE)
