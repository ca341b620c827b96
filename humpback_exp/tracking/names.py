"""The name and id of a run, and the one naming scheme of its config and summary. W&B's client is not needed here."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import Artifact, Manifest, git_commit
from humpback_exp.artifacts.catalog import nearest_ancestors
from humpback_exp.config import StageConfig, to_plain
from humpback_exp.tracking.wandb_artifacts import sources

ID_LENGTH = 32
TAG_LENGTH = 64
"""The longest tag W&B takes."""


def run_id(folder: Path, fingerprint: str) -> str:
    """The same for a resumed stage, another for the same settings in another folder."""
    place = f"{fingerprint}:{folder.resolve()}"
    return hashlib.sha256(place.encode()).hexdigest()[:ID_LENGTH]


def run_config(config: StageConfig, artifact: Artifact) -> dict[str, Any]:
    """The stage's config as it was resolved, nested; W&B shows and plots `optim: {lr: ...}` as `optim.lr`.

    Beside the config's own keys: `inputs.KEY.name` (and `fingerprint`, `path`) of everything read, `fingerprint` and
    `git_commit` of the run, and `lineage.KIND.KEY`, the settings, name and row counts of the nearest ancestor of each
    kind, so that an evaluation plots against what its model was trained with: `lineage.models.data.min_score`.
    """
    made, own = artifact.manifest, to_plain(config)
    beside = {
        "fingerprint": made.fingerprint,
        "git_commit": git_commit(),
        "inputs": nested(
            {s.key: {"name": s.name, "fingerprint": s.fingerprint, "path": s.path} for s in sources(made)}
        ),
        "lineage": {kind: settings(ancestor.manifest) for kind, ancestor in nearest_ancestors(made).items()},
    }
    return {**own, **beside}


def settings(manifest: Manifest) -> dict[str, Any]:
    """What a finished folder was made with, paths included, and how many rows it holds."""
    rows = {plain(name): count for name, count in manifest.rows.items()}
    paths = {key: source["path"] for key, source in manifest.inputs.items()}
    return nested(manifest.config | paths) | {"name": manifest.name, "rows": rows}


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"optim.lr": 1}` as `{"optim": {"lr": 1}}`."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return tree


def summary(manifest: Manifest) -> dict[str, Any]:
    """The figures of a finished folder, named alike in every stage.

    `rows/in` and `rows/out` (usable), `rows/NAME` for every count of the manifest, `drops/REASON`, `seconds`, and the
    stage's own metrics under the names they have in the manifest: `loss`, `heldout_loss`, `win_rate`; those of a metric
    that is a table as `histogram/4`.
    """
    figures: dict[str, Any] = {"rows/in": manifest.rows_in, "rows/out": manifest.rows_out}
    figures |= {f"rows/{plain(name)}": count for name, count in manifest.rows.items()}
    figures |= {f"drops/{plain(reason)}": count for reason, count in manifest.drops.items()}
    figures["seconds"] = manifest.wall_seconds
    for name, value in manifest.metrics.items():
        figures |= {f"{name}/{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
    return figures


def plain(name: str) -> str:
    """`page: too long` as `page_too_long`."""
    return re.sub(r"\W+", "_", name).strip("_")


def tags(config: StageConfig) -> list[str]:
    """Tags of the user, and those that one filters by: seed, base model, direction, scorer."""
    named = [*config.tracking.tags, f"seed-{config.seed}"]
    whole = to_plain(config)
    if "model" in whole:
        named += [Path(whole["model"]["path"]).name, whole["data"]["direction"]]
    if "scorer" in whole:
        named.append(whole["scorer"])
    return list(dict.fromkeys(tag[:TAG_LENGTH] for tag in named if tag))
