"""Opening and finishing a folder: fresh, to be resumed, finished, or refused.

`config.yaml` is written first and freezes what the folder is; `manifest.json` is written last and says that it is complete.
Same fingerprint: resume or skip. Another fingerprint: an error that names the differing keys.
"""

import json
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from humpback_exp.artifacts.files import CHECKPOINTS, drop_checkpoints, require_files, sha256, write_text
from humpback_exp.artifacts.manifest import Manifest, is_begun, is_finished, load
from humpback_exp.artifacts.match import manifest_of, require_match
from humpback_exp.artifacts.measurements import joined, lacking, measured
from humpback_exp.artifacts.versions import git_commit, package_versions
from humpback_exp.config import STAGES, StageConfig, read, to_plain
from humpback_exp.config.measurements import FILES

OPENED_BY = ".opened-by"
"""File by which a stage's other ranks know that the first rank has opened the folder for their job and no other."""


@dataclass
class Artifact:
    """A folder that a stage is about to fill, or that is filled already."""

    folder: Path
    manifest: Manifest
    finished: bool


def begin(config: StageConfig, write: bool = True, moved_by: str = "name") -> Artifact:
    """Open the folder of `config`: fresh, to be resumed, or finished; freeze the config into a fresh one.

    Args:
        write: False only looks.
        moved_by: the option of the command line that gives the stage another folder, for the refusal of this one.

    Raises:
        ValueError: an input is missing or unfinished, or the folder belongs to another config.
    """
    folder, manifest = config.folder, manifest_of(config)
    if is_finished(folder):
        made = load(folder)
        begun = _gaining(folder, made, config.measurements)
        require_match(begun, manifest, folder, moved_by)
        require_files(folder, made)
        if write:
            drop_checkpoints(folder)
        if not lacking(made, config):
            return Artifact(folder, made, finished=True)
        return _opened(config, joined(begun, manifest), write)
    held = {path.name for path in folder.iterdir() if _holds(path)} if folder.exists() else set()
    if held and not is_begun(folder):
        raise ValueError(f"{folder}: holds files of something else; choose another {moved_by}=")
    if held - {"config.yaml", "begun.json"}:  # a folder with nothing made in it yet may change its mind
        if "begun.json" not in held:
            raise ValueError(f"{folder}: lost its begun.json; choose another {moved_by}= or delete it")
        manifest = joined(require_match(_begun(folder), manifest, folder, moved_by), manifest)
    return _opened(config, manifest, write)


def _opened(config: StageConfig, manifest: Manifest, write: bool) -> Artifact:
    """A folder that is about to be filled; with `write`, its config is frozen into it."""
    folder = config.folder
    if write:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "config.yaml", yaml.safe_dump({"stage": config.stage} | to_plain(config), sort_keys=False))
        write_text(folder / "begun.json", json.dumps(asdict(manifest), indent=1))
    return Artifact(folder, manifest, finished=False)


def _gaining(folder: Path, made: Manifest, asked: list[str]) -> Manifest:
    """A finished folder as its manifest says, with the measurements that were begun and have files already, and their settings."""
    begun = _begun(folder) if (folder / "begun.json").exists() else made
    names = dict.fromkeys([*begun.measured, *asked])
    there = [name for name in names if name not in measured(made) and (folder / FILES.get(name, name)).exists()]
    return joined(made, replace(begun, measured=there))


def reopen(artifact: Artifact) -> None:
    """Make a finished folder an unfinished one of the same run, so that its files may be written anew."""
    if artifact.finished:
        (artifact.folder / "manifest.json").rename(artifact.folder / "begun.json")
        artifact.finished = False


def _holds(path: Path) -> bool:
    """Whether a path in a stage's folder is a result. Locks, claims of chunks and scratch files are none."""
    if path.is_dir():
        return any(map(_holds, path.iterdir()))
    return path.suffix not in (".tmp", ".claim") and path.name not in (".lock", OPENED_BY)


def _begun(folder: Path) -> Manifest:
    try:
        return Manifest(**json.loads((folder / "begun.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise ValueError(f"{folder}/begun.json: damaged; delete {folder} and run the command again") from None


def open_stage(folder: Path) -> tuple[StageConfig, Artifact]:
    """The frozen config and the artifact of a folder that `begin` prepared; for a stage in its own process."""
    frozen = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config = read(folder / "config.yaml", STAGES[frozen["stage"]])
    return config, Artifact(folder, _begun(folder), finished=is_finished(folder))


def finish(
    artifact: Artifact,
    *,
    started: float,
    rows: dict[str, int],
    drops: dict[str, int] | None = None,
    metrics: dict[str, Any] | None = None,
) -> Manifest:
    """Checksum what lies in the folder and write the manifest, last and atomically; then the checkpoints may go.

    Args:
        started: `time.time()` at which this session of the stage began.
    """
    folder, manifest = artifact.folder, artifact.manifest
    skip = {"config.yaml", "begun.json", "manifest.json"}
    held = (p for p in folder.rglob("*") if p.is_file() and folder / CHECKPOINTS not in p.parents)
    files = sorted(p for p in held if p.name not in skip and _holds(p))
    manifest.files = {p.relative_to(folder).as_posix(): sha256(p) for p in files}
    manifest.rows, manifest.drops, manifest.metrics = rows, drops or {}, _finite(metrics or {})
    manifest.versions = package_versions()
    manifest.git_commit = git_commit()
    manifest.wall_seconds = round(manifest.wall_seconds + time.time() - started, 2)
    manifest.finished_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write_text(folder / "manifest.json", json.dumps(asdict(manifest), indent=1))
    (folder / "begun.json").unlink()
    (folder / OPENED_BY).unlink(missing_ok=True)
    drop_checkpoints(folder)
    artifact.finished = True
    return manifest


def _finite(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics with None in place of nan and infinity, which JSON does not have."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in metrics.items()
    }
