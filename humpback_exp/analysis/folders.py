"""Finished folders, found and read: what is damaged is noted and left out, so that a page about 500 runs does not fail for one."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.artifacts.manifest import KINDS
from humpback_exp.artifacts.walk import walk

T = TypeVar("T")


def read_catalog(output_root: str, loops: bool = False) -> Catalog:
    """Everything below an output root; `loops` as in `walk`.

    Raises:
        ValueError: nothing there is finished.
    """
    catalog = walk(output_root, loops)
    if not catalog.folders:
        besides = f"{len(catalog.unfinished)} unfinished, {len(catalog.damaged)} damaged"
        raise ValueError(
            f"output_root={output_root}: no finished folder in {', '.join(KINDS)} ({besides}); "
            f"run python pipeline.py output_root={output_root} first"
        )
    return catalog


def try_read(catalog: Catalog, folder: Folder, reader: Callable[[Folder], T]) -> T | None:
    """What `reader` finds in a folder's files; None, and a note in the catalog, when they are damaged.

    A page about 500 runs must not fail for one of them, and only reading a file can tell that its content is damaged.
    """
    try:
        return reader(folder)
    except (ValueError, OSError, KeyError, TypeError, NotImplementedError) as error:
        catalog.damaged[folder.label] = " ".join((str(error) or type(error).__name__).split())[:400]
        return None


def made_from(catalog: Catalog, kind: str, key: str, source: Folder) -> list[Folder]:
    """Folders of a kind that read `source` as `key`."""
    return [folder for folder in catalog.of(kind) if folder.fingerprint_of(key) == source.fingerprint]


def read_history(folder: Path) -> list[dict[str, float]]:
    """Rows of a model folder's `history.csv`."""
    with (folder / "history.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    if any(not {"step", "loss"} <= row.keys() for row in rows):
        raise ValueError(f"{folder}/history.csv: lacks the columns step and loss")
    return rows


def group_of(folder: Path) -> str | None:
    """`tracking.group` of a frozen config; None where it is unset or the file is damaged."""
    try:
        config = yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=_LOADER)
        group = config["tracking"]["group"]
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError):
        return None
    return group if isinstance(group, str) else None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser where it was built: a config takes it half a millisecond, a tenth of the other's time."""
