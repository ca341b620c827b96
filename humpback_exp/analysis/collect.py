"""output_root -> every run folder below it: finished, unfinished or damaged. Only manifests are read here.

A page about 500 runs must not fail for one of them, so a damaged folder is listed with its error and left out. What
only a Parquet file's content can tell is found later, by those who read it through `Inventory.try_read`.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from humpback_exp.artifacts import Manifest, load

KINDS = ("segments", "models", "candidates", "gates", "scored", "curated", "rewritten", "evals")
READ_HERE = (".parquet", "history.csv")
"""Files the page needs; weights may have been deleted to save space without harm."""
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Run:
    """A finished folder."""

    folder: Path
    label: str
    """`kind/name`, as below output_root; in a loop of its own below that, the loop's folder before it."""
    manifest: Manifest

    @property
    def kind(self) -> str:
        return self.manifest.kind

    @property
    def name(self) -> str:
        return self.label.partition(f"{self.kind}/")[2]

    def rows(self, key: str) -> int:
        return self.manifest.rows.get(key, 0)

    def metric(self, key: str) -> float | None:
        """A figure of the manifest; None where it is missing, null or not a number."""
        value = self.manifest.metrics.get(key)
        return float(value) if isinstance(value, int | float) and value == value else None

    def input_path(self, key: str) -> str | None:
        return self.manifest.inputs[key]["path"] if key in self.manifest.inputs else None

    def input_fingerprint(self, key: str) -> str | None:
        return self.manifest.inputs[key]["fingerprint"] if key in self.manifest.inputs else None


@dataclass(slots=True)
class Inventory:
    """Everything below one output_root."""

    runs: list[Run] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    """Label -> the error, in one line."""

    def of(self, kind: str) -> list[Run]:
        return [run for run in self.runs if run.kind == kind]

    def made_from(self, kind: str, key: str, source: Run) -> list[Run]:
        """Runs of a kind whose input `key` is `source`."""
        return [run for run in self.of(kind) if run.input_fingerprint(key) == source.manifest.fingerprint]

    def try_read(self, run: Run, reader: Callable[[Run], T]) -> T | None:
        """What `reader` finds in a run's files; None, and a note of the error, when they are damaged."""
        try:
            return reader(run)
        except (ValueError, OSError, KeyError) as error:
            self.damaged[run.label] = one_line(error)
            return None


def collect(output_root: str, loops: bool = False) -> Inventory:
    """The runs below `output_root`, in the order of the loop and of their names.

    Args:
        loops: whether to look into the folders of whole loops there, too, as a sweep of pipelines leaves them.

    Raises:
        ValueError: nothing there is finished.
    """
    inventory, top = Inventory(), Path(output_root)
    roots = [top, *(path.parent for path in top.glob("*/evals"))] if loops else [top]
    for kind in KINDS:
        folders = (folder for root in roots for folder in _run_folders(root / kind))
        for folder in sorted(folders, key=lambda path: natural(path.as_posix())):
            _add(inventory, folder, folder.relative_to(output_root).as_posix(), kind)
    if not inventory.runs:
        besides = f"{len(inventory.unfinished)} unfinished, {len(inventory.damaged)} damaged"
        raise ValueError(
            f"output_root={output_root}: no finished folder in {', '.join(KINDS)} ({besides}); "
            f"run python pipeline.py output_root={output_root} first"
        )
    return inventory


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A sort key: numbers by value, and `base` before all it is compared with."""
    head, _, last = name.rpartition("/")
    parts = re.findall(r"\d+|\D+", f"{head}/{'' if last == 'base' else last}")
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def one_line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:400]


def read_history(folder: Path) -> list[dict[str, float]]:
    """Rows of a model folder's `history.csv`."""
    with (folder / "history.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    if any(not {"step", "loss"} <= row.keys() for row in rows):
        raise ValueError(f"{folder}/history.csv: lacks the columns step and loss")
    return rows


def _run_folders(folder: Path) -> Iterator[Path]:
    """Folders that a stage began; names may hold slashes, so they may lie deeper."""
    for child in folder.iterdir() if folder.is_dir() else ():
        if any((child / name).exists() for name in ("manifest.json", "begun.json", "config.yaml")):
            yield child
        elif child.is_dir() and not child.is_symlink():
            yield from _run_folders(child)


def _add(inventory: Inventory, folder: Path, label: str, kind: str) -> None:
    if not (folder / "manifest.json").exists():
        inventory.unfinished.append(label)
        return
    try:
        inventory.runs.append(Run(folder, label, _checked(folder, kind)))
    except (ValueError, OSError) as error:
        inventory.damaged[label] = one_line(error)


def _checked(folder: Path, kind: str) -> Manifest:
    """The manifest, once its shape and the files we read are known to be there."""
    manifest = load(folder)
    try:
        numbers = [*manifest.rows.values(), *manifest.drops.values(), manifest.wall_seconds]
        sound = all(isinstance(number, int | float) for number in numbers) and isinstance(manifest.metrics, dict)
        sound = sound and isinstance(manifest.fingerprint, str) and isinstance(manifest.config, dict)
        texts = [text for source in manifest.inputs.values() for text in (source["path"], source["fingerprint"])]
        missing = [name for name in manifest.files if name.endswith(READ_HERE) and not (folder / name).exists()]
    except (AttributeError, TypeError, KeyError):
        sound, texts, missing = False, [], []
    if not sound or not all(isinstance(text, str) for text in texts) or manifest.kind != kind:
        held = json.dumps(manifest.kind)[:40]
        raise ValueError(f"{folder}/manifest.json: damaged (no sound manifest of {kind}: kind is {held})")
    if missing:
        raise ValueError(f"{folder / missing[0]}: missing; delete {folder} and run the stage that writes it again")
    return manifest
