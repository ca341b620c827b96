"""Files on this machine or wherever fsspec reaches (`s3://`, `https://`, `hf://`, `memory://`): found in order, opened, measured.

Called by pages and by what reads archives and tables.
"""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from humpback_exp.artifacts.addresses import file_system, is_remote, patiently, state_of
from humpback_exp.corpus.remote_file import PatientFile
from humpback_exp.progress import log

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file of a corpus."""

    root: str
    """The folder, or the address, below which all of the corpus lies."""
    name: str
    """Below it, so that ids are the same wherever the corpus lies."""

    @property
    def path(self) -> str:
        return f"{self.root.rstrip('/')}/{self.name}"

    @property
    def address(self) -> str:
        """Its name as the url of a page."""
        return self.name.encode("utf-8", "backslashreplace").decode()

    @property
    def kind(self) -> str:
        """Its name in small letters without what an address asks (`?...`): what is in it is told by the end."""
        name = self.name.lower()
        return name.partition("?")[0] if is_remote(self.root) else name

    def __str__(self) -> str:
        return self.path

    def open(self) -> BinaryIO:
        """Its bytes, from which places can be sought."""
        return io.BufferedReader(PatientFile(self.path), BLOCK) if is_remote(self.root) else open(self.path, "rb")

    def size(self) -> int:
        """Bytes.

        Raises:
            ValueError: its server does not tell, so that nobody could read a part of it.
        """
        if not is_remote(self.root):
            return os.stat(self.path).st_size
        fs, path = file_system(self.path)
        size = patiently(lambda: fs.info(path), self.path)["size"]
        if size is None:
            raise ValueError(f"corpus.path={self.path}: its server does not say how large it is; fetch it first")
        return int(size)

    def state(self) -> str:
        """What its server says of it, by which another version is told from it; nothing of a file on this machine."""
        if not is_remote(self.root):
            return ""
        fs, path = file_system(self.path)
        return ", ".join(state_of(fs, path))


def at(path: str) -> File:
    """The file at a path, as the only one of its corpus."""
    place, mark, asked = path.partition("?") if is_remote(path) else (path, "", "")
    root, _, name = place.rpartition("/")
    return File(root or ("/" if path.startswith("/") else "."), name + mark + asked)


def together(paths: Sequence[str]) -> list[File]:
    """Files of one corpus, whose root is what their paths begin with alike."""
    root = os.path.commonprefix([path.rpartition("/")[0] + "/" for path in paths]).rpartition("/")[0]
    return [File(root, path.removeprefix(root + "/")) for path in paths]


def is_file(path: str) -> bool:
    if not is_remote(path):
        return os.path.isfile(path)
    fs, inner = file_system(path)
    try:
        return bool(patiently(lambda: fs.info(inner), path)["type"] == "file")
    except FileNotFoundError:
        return False


def below(root: str) -> Iterator[File]:
    """All files below a folder, in the order of their names.

    Raises:
        ValueError: there is no such folder, or no leave to read it.
    """
    if not is_remote(root):
        if not os.path.isdir(root):
            raise ValueError(
                f"corpus.path={root}: no such file or folder; point it at a folder of .html or .warc.gz files"
            )
        yield from _here(root)
        return
    fs, inner = file_system(root)
    found = sorted(patiently(lambda: fs.find(inner), root))
    if not found:
        raise ValueError(f"corpus.path={root}: nothing there; name a file, or a folder with files")
    yield from (File(root, name.removeprefix(inner.rstrip("/")).lstrip("/")) for name in found)


def _here(root: str) -> Iterator[File]:
    """Files below a local folder; how many other things lie there is said."""
    others = 0
    for name in _names(root, ""):
        if os.path.isfile(os.path.join(root, name)):
            yield File(root, name)
        else:
            others += 1
    if others:
        log.info("%s: %d links to folders, links to nothing and special files not read", root, others)


def _names(root: str, folder: str) -> Iterator[str]:
    """Names of all but folders below a local folder; those of one folder are held at a time."""
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            # A folder is sorted with its slash, as it stands in the names of what is in it.
            names = sorted(entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries)
    except OSError as error:
        raise ValueError(
            f"corpus.path={error.filename}: {error.strerror}; make the folder readable or choose another"
        ) from None
    for name in names:
        if name.endswith("/"):
            yield from _names(root, folder + name)
        else:
            yield folder + name
