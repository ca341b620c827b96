"""What an evaluation's folder holds: measurements, each with settings of its own. A finished folder may gain more.

The fingerprint of the folder stays that of its first making, so that folders which were compared with it stay valid.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from humpback_exp.artifacts.manifest import Manifest, is_finished, load
from humpback_exp.config import STAGES, StageConfig
from humpback_exp.config.measurements import CONCERNS, concerns


def measured(manifest: Manifest) -> list[str]:
    """The measurements in a folder. Earlier versions did not name them: they follow from the inputs."""
    if manifest.measured or manifest.kind != "evals":
        return manifest.measured
    judged = {"judge.path", "judge.annotations"} & manifest.inputs.keys() and manifest.config["judge.prompts"] > 0
    return ["heldout", *["judge"] * bool(judged), *["heldout_change"] * ("reference" in manifest.inputs)]


def lacking(manifest: Manifest, config: StageConfig) -> list[str]:
    """The measurements asked for that a folder does not hold."""
    return [name for name in config.measurements if name not in measured(manifest)]


def is_done(config: StageConfig) -> bool:
    """Whether the folder of a stage is finished and holds every measurement asked for."""
    return is_finished(config.folder) and not (config.measurements and lacking(load(config.folder), config))


def belongs(key: str, measurements: Iterable[str]) -> bool:
    """Whether a key of a manifest is a setting or an input of one of these measurements."""
    parts = (part for name in measurements for part in concerns(name))
    return any(key == part or key.startswith(f"{part}.") for part in parts)


def without_gained(manifest: Manifest, entries: dict[str, Any]) -> dict[str, Any]:
    """Settings or inputs less those of measurements that a folder may gain."""
    stage = next(cls for cls in STAGES.values() if cls.kind == manifest.kind)
    gained = {f.name for f in fields(stage) if f.metadata.get("gained")}
    return {key: value for key, value in entries.items() if key.split(".")[0] not in gained}


def aligned(wanted: Manifest, there: Manifest) -> Manifest:
    """`wanted`, with what concerns measurements that are not both wanted and there as it stands there."""
    ours, theirs = wanted.measured, measured(there)
    known = {*CONCERNS, *ours, *theirs}
    return _mixed(
        there, wanted, lambda key: not belongs(key, known) or (belongs(key, ours) and belongs(key, theirs)), wanted
    )


def joined(there: Manifest, wanted: Manifest) -> Manifest:
    """The manifest of a folder that is about to gain what is `wanted`; any other folder stays as it is there."""
    names = [*measured(there), *wanted.measured]
    gaining = replace(there, measured=list(dict.fromkeys(names)))
    return _mixed(there, wanted, lambda key: belongs(key, wanted.measured), gaining)


def _mixed(there: Manifest, wanted: Manifest, takes: Callable[[str], bool], base: Manifest) -> Manifest:
    """`base` with the settings and inputs of `wanted` for the keys that it takes, and with those there for the others."""

    def mixed(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in theirs.items() if not takes(key)}
        return kept | {key: value for key, value in ours.items() if takes(key)}

    return replace(base, config=mixed(wanted.config, there.config), inputs=mixed(wanted.inputs, there.inputs))
