"""`manifest.json`: what a finished folder is, and how a damaged, missing or foreign one is named.

A folder is ours when its `config.yaml` or its `manifest.json` says so. Other programs write files of these names, too: what
they made is neither damaged nor unfinished, it is raw input.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from humpback_exp.config import STAGES

KINDS = tuple(stage.kind for stage in STAGES.values())
"""Kinds of folders, in the order of the loop; every folder lies in `output_root/KIND/NAME`."""
COMMANDS = {
    "segments": "python segment.py",
    "models": "python train.py",
    "candidates": "python augment.py",
    "gates": "python gate.py",
    "scored": "python curate.py",
    "curated": "python curate.py",
    "rewritten": "python rewrite.py",
    "evals": "python evaluate.py",
    "annotations": "python annotate.py export=true",
}
"""Kind of a folder -> the command that writes it, up to its name."""
EXPERIMENTS = ("backward", "m0", "m1", "m2")
"""Models that have an experiment of their name in `conf/experiment/`."""
FLOW = {
    "segments": ("segments found", "segments"),
    "models": (None, "examples"),
    "candidates": ("segments", "candidates"),
    "gates": ("pairs", "pairs"),
    "scored": ("candidates", "readable"),
    "curated": ("scored", "curated"),
    "rewritten": ("candidates", "rewritten"),
    "evals": ("pairs", "pairs"),
    "annotations": ("judgements", "judgements"),
}
"""Kind of a folder -> which of its manifest's rows went in and which came out usable; None where in is out and drops."""


@dataclass(kw_only=True)
class Manifest:
    """What `manifest.json` holds."""

    kind: str
    name: str
    fingerprint: str
    config: dict[str, Any]
    """Identity of the run: flat keys, operational ones left out."""
    inputs: dict[str, dict[str, str]]
    """Config key -> path and fingerprint of what was read."""
    rows: dict[str, int] = field(default_factory=dict)
    """What went in and came out, by name."""
    drops: dict[str, int] = field(default_factory=dict)
    """Reason -> rows."""
    metrics: dict[str, Any] = field(default_factory=dict)
    measured: list[str] = field(default_factory=list)
    """Names of an evaluation's measurements."""
    files: dict[str, str] = field(default_factory=dict)
    """Relative path -> SHA-256."""
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str = ""
    wall_seconds: float = 0.0
    finished_at: str = ""

    @property
    def rows_in(self) -> int:
        """Rows that the stage was given."""
        name = FLOW[self.kind][0]
        return self.rows[name] if name else self.rows_out + sum(self.drops.values())

    @property
    def rows_out(self) -> int:
        """Rows that came out usable."""
        return self.rows[FLOW[self.kind][1]]


def is_finished(folder: Path) -> bool:
    """Whether one of our stages has finished this folder; a `manifest.json` that another program wrote does not count."""
    return (folder / "manifest.json").exists() and is_begun(folder)


def is_begun(folder: Path) -> bool:
    """Whether one of our stages has opened this folder, finished or not."""
    begun = stage_of(folder) is not None or (folder / "begun.json").exists()
    return begun or _written(folder / "manifest.json").get("kind") in KINDS


def stage_of(folder: Path) -> str | None:
    """The stage that the frozen `config.yaml` of a folder names; None where there is no such file, or it is not ours."""
    try:
        with (folder / "config.yaml").open(encoding="utf-8") as file:
            found = re.match(r"stage: (\w+)$", file.readline())  # `begin` writes this line first
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found and found[1] in STAGES else None


def _written(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def command_for(folder: Path) -> str:
    """The command that writes the folder `output_root/KIND/NAME`."""
    if folder.parent.name not in COMMANDS:
        return "the command that writes it"
    name = folder.name.split("-")[0] if folder.parent.name in ("curated", "gates") else folder.name
    key = "experiment" if folder.parent.name == "models" and name in EXPERIMENTS else "name"
    root = folder.parent.parent
    elsewhere = "" if root == Path("outputs") else f" output_root={root}"
    return f"{COMMANDS[folder.parent.name]} {key}={name}{elsewhere}"


def load(folder: Path) -> Manifest:
    """The manifest of a finished folder.

    Raises:
        ValueError: it is missing or damaged, the folder is unfinished, or another program wrote it.
    """
    path, command = folder / "manifest.json", command_for(folder)
    if not is_begun(folder):
        state = "not written by a stage" if path.exists() else "no such finished folder"
        raise ValueError(f"{folder}: {state}; run {command} first")
    if not path.exists():
        raise ValueError(f"{folder}: unfinished; run {command} first")
    try:
        manifest = Manifest(**json.loads(path.read_text(encoding="utf-8")))
        require_sound(manifest)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: damaged ({error}); delete {folder} and run the same command again") from None
    return manifest


def require_sound(manifest: Manifest) -> None:
    """Raise ValueError or TypeError unless every part of a manifest is of its type."""
    numbers = [*manifest.rows.values(), *manifest.drops.values(), manifest.wall_seconds]
    texts = [text for one in manifest.inputs.values() for text in (one["path"], one["fingerprint"])]
    texts += [manifest.fingerprint, *manifest.files, *manifest.files.values()]
    sound = all(isinstance(number, int | float) for number in numbers) and all(isinstance(text, str) for text in texts)
    sound = sound and isinstance(manifest.config, dict) and isinstance(manifest.metrics, dict)
    if not sound or manifest.kind not in KINDS:
        raise ValueError(f"no sound manifest; its kind is {json.dumps(manifest.kind)[:40]}")
