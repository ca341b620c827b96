"""The units of a corpus, listed in a file: found once, read by every worker, with none of a million names in memory.

Called by the segment stage.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import files, sites
from humpback_exp.corpus.files import File
from humpback_exp.corpus.pages import Unit

PATH_LISTS = (".paths", ".paths.gz")
"""How names of files end that name a file of pages a line, as Common Crawl's do."""


class Listing:
    """Units in a file, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Unit]:
        with self.path.open(encoding="utf-8") as lines:
            for line in lines:
                yield Unit(**json.loads(line))

    @property
    def total(self) -> int:
        with self.path.open("rb") as lines:
            return sum(1 for _ in lines)

    def states_sha256(self) -> str | None:
        """Of the names and states of files with many pages at addresses; None where there are none."""
        hashed, before = hashlib.sha256(), ""
        for unit in self:
            line = f"{unit.names[0]} {unit.state}\n" if unit.state else before
            if line != before:
                hashed.update(line.encode("utf-8", "backslashreplace"))
            before = line
        return hashed.hexdigest() if before else None

    def write(self, units: Iterable[Unit]) -> None:
        """Write units in their order, numbered anew, by atomic rename."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8") as file:
            for number, unit in enumerate(units):
                unit.number = number
                file.write(json.dumps(asdict(unit)) + "\n")
        scratch.replace(self.path)

    def write_with_neighbours(self, units: Iterable[Unit]) -> None:
        """The same, each unit with a sample of its sites (corpus/sites.py)."""
        bare = Listing(self.path.with_suffix(".bare"))
        bare.write(units)
        samples = sites.samples(bare)
        self.write(_beside(unit, samples) for unit in bare)
        bare.path.unlink()


def _beside(unit: Unit, samples: dict[str, list[str]]) -> Unit:
    unit.neighbours = sites.neighbours(unit, samples)
    return unit


def files_of(config: CorpusConfig) -> Iterable[File]:
    """The files of a path: a folder's, those that a list of paths names, or the one that it is.

    Raises:
        ValueError: there is nothing, or no leave to read it.
    """
    if not files.is_file(config.path):
        return files.below(config.path)
    only = files.at(config.path)
    return _listed(only, config.base) if config.path.endswith(PATH_LISTS) else [only]


def _listed(paths: File, base: str) -> Iterator[File]:
    """The files of a list; empty lines and those that begin with # name none.

    Raises:
        ValueError: the list cannot be read, or names what does not lie below `base`.
    """
    try:
        with paths.open() as packed, gzip.open(packed) if paths.name.endswith(".gz") else packed as lines:
            for line in lines:
                name = os.fsdecode(line.strip())
                if name and not name.startswith("#"):
                    yield File(base, _below(base, name, paths))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"corpus.path={paths}: no whole gzip file ({error}); fetch it again") from None


def _below(base: str, name: str, paths: File) -> str:
    """What a line names, whether or not it repeats the base."""
    inner = name.removeprefix(base.rstrip("/") + "/").lstrip("/")
    if "://" in inner or ".." in inner.split("/"):
        raise ValueError(f"corpus.path={paths}: {name} leads out of corpus.base={base}; take it off the list")
    return inner
