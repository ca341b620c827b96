"""Whether a folder is what a config makes; if not, the refusal that names the keys in which they differ.

Earlier versions knew a raw file of more than 16 MiB by its size and by its first and last MiB. What they made counts as
made from the file at the path as long as it matches in these and has not been written since.
"""

import calendar
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.catalog import differing, facts
from humpback_exp.artifacts.content import LARGE, sha256_of
from humpback_exp.artifacts.hashing import by_their_ends, digest, fingerprint
from humpback_exp.artifacts.manifest import Manifest
from humpback_exp.artifacts.measurements import aligned, without_gained
from humpback_exp.config import STAGES, StageConfig, identity, input_paths
from humpback_exp.progress import log

NAMED = 4
"""Keys that a refusal names with their values."""


def manifest_of(config: StageConfig) -> Manifest:
    """What a config makes of its inputs as they are.

    Raises:
        ValueError: an input is unfinished.
    """
    is_what = identity(config) | config.texts
    paths = input_paths(config)
    return _identified(
        Manifest(
            kind=config.kind, name=config.name, fingerprint="", config=is_what, inputs={}, measured=config.measurements
        ),
        {key: {"path": path, "fingerprint": fingerprint(path)} for key, path in paths.items()},
    )


def _identified(manifest: Manifest, inputs: dict[str, dict[str, str]]) -> Manifest:
    """The manifest with these inputs, and the fingerprint that stage, settings and inputs come to."""
    stage = next(cls.stage for cls in STAGES.values() if cls.kind == manifest.kind)
    marks = {key: one["fingerprint"] for key, one in without_gained(manifest, inputs).items()}
    settings = without_gained(manifest, manifest.config)
    return replace(manifest, inputs=inputs, fingerprint=digest([stage, settings, marks]))


def _same(one: Manifest, other: Manifest) -> bool:
    """Whether all settings and inputs are the same. Of an evaluation the fingerprint says less: it may have gained some."""
    return _facts(one) == _facts(other)


def _facts(manifest: Manifest) -> str:
    return digest([manifest.config, {key: each["fingerprint"] for key, each in manifest.inputs.items()}])


def require_match(there: Manifest, wanted: Manifest, folder: Path, moved_by: str = "name") -> Manifest:
    """What the folder is, once it is known to be `wanted`: with its inputs as the version that made it identified them.

    Args:
        there: what the folder was begun as.
        moved_by: the option of the command line that gives the stage another folder.

    Raises:
        ValueError: another config made it, or a large input has been written since.
    """
    if there.kind == "evals":
        wanted = replace(aligned(wanted, there), fingerprint=there.fingerprint)
    if _same(there, wanted):
        return wanted
    earlier = {key: there.inputs[key] for key in wanted.inputs if _known_by_ends(there, wanted, key)}
    wanted = replace(_identified(wanted, wanted.inputs | earlier), fingerprint=there.fingerprint)
    refuse_other(there, wanted, folder, moved_by)
    for key, one in earlier.items():
        if _written_since(Path(one["path"]), _begun_at(there, folder)):
            raise ValueError(
                f"{folder}: {key}={one['path']} was written after an earlier version made this folder, and that version knew "
                f"large files by size and ends only, so it may differ in between; choose another {moved_by}= or delete the "
                "folder, or, where the file is a mere copy, set its time back with touch"
            )
    log.info("%s: made when large files were known by size and ends, which still match: %s", folder, ", ".join(earlier))
    return wanted


def _known_by_ends(there: Manifest, wanted: Manifest, key: str) -> bool:
    """Whether an input is another by its whole content, but the same by size and ends."""
    mark, now = there.inputs.get(key, {}).get("fingerprint"), wanted.inputs[key]
    return mark != now["fingerprint"] and any(
        mark == fingerprint(now["path"], rule) for rule in (by_their_ends, sha256_of)
    )


def _begun_at(there: Manifest, folder: Path) -> float:
    """When the inputs of a folder were last identified, in seconds since 1970."""
    if not there.finished_at:
        return (folder / "begun.json").stat().st_mtime
    return calendar.timegm(time.strptime(there.finished_at, "%Y-%m-%dT%H:%M:%SZ")) - there.wall_seconds


def _written_since(path: Path, moment: float) -> bool:
    """Whether a large file at a path, or below it, was written after a moment."""
    states = [file.stat() for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return any(state.st_size > LARGE and state.st_mtime > moment for state in states)


def refuse_other(there: Manifest, wanted: Manifest, folder: Path, moved_by: str = "name") -> None:
    """Raise when a folder was made by another config, naming the first differing keys with both values."""
    if _same(there, wanted):
        return
    differences = [
        f"{key}={shortened(theirs)} there, {shortened(ours)} here"
        for key, (theirs, ours) in differing([facts(there), facts(wanted)]).items()
    ]
    more = f"; and {len(differences) - NAMED} more" if len(differences) > NAMED else ""
    named = "; ".join(differences[:NAMED]) + more
    raise ValueError(f"{folder}: made by another config ({named}); choose another {moved_by}= or delete it")


def shortened(value: Any) -> str:
    """A value for an error's line; of a long text its beginning and its digest."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({digest(text)[:8]})"
