"""The finished folders below an output root as runs of W&B: what each was made from, and which runs a sweep builds on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.artifacts import digest
from humpback_exp.artifacts.catalog import Folder, nearest_ancestors
from humpback_exp.artifacts.manifest import stage_of
from humpback_exp.artifacts.walk import walk
from humpback_exp.config import STAGES, StageConfig, read
from humpback_exp.progress import log
from humpback_exp.tracking.names import run_id
from humpback_exp.tracking.wandb_artifacts import Source, sources

DATA = ("segments", "candidates", "scored", "curated", "rewritten")
"""Kinds of folders that a model is made from."""


@dataclass(frozen=True, slots=True)
class Node:
    """A finished folder's run, and what it was made from."""

    folder: Path
    project: str
    entity: str | None
    run: str
    sources: list[Source]


@dataclass(frozen=True, slots=True)
class Upstream:
    """Ids of the runs that the points of a sweep were made from; the loop that made them has another group."""

    data: list[str]
    """Runs of the nearest folder of each kind of data that a point was made from, as below `lineage` in its config."""
    models: list[str]
    """Runs of evaluated models that another sweep has trained."""


def tracked(output_root: Path) -> Iterator[tuple[StageConfig, Folder]]:
    """Every finished folder below an output root that was tracked, by kind and name; a damaged one is named and left out."""
    catalog = walk(output_root, loops=True)
    for label, why in catalog.damaged.items():
        log.warning("%s is left out: %s", label, why)
    for folder in catalog.folders:
        config = frozen(folder.path)
        if config is not None and config.tracking.mode != "none":
            yield config, folder


def frozen(folder: Path) -> StageConfig | None:
    """The config a folder was made with; None where no stage made it."""
    stage = stage_of(folder)
    return read(folder / "config.yaml", STAGES[stage]) if stage else None


def nodes(output_root: Path) -> list[Node]:
    """Every tracked folder with the inputs that can be linked.

    Raises:
        ValueError: there is none.
    """
    found = []
    for config, folder in tracked(output_root):
        there = [source for source in sources(folder.manifest) if present(source, folder.path)]
        run = run_id(folder.path, folder.fingerprint)
        found.append(Node(folder.path, config.tracking.project, config.tracking.entity, run, there))
    if not found:
        raise ValueError(
            f"output_root={output_root}: holds no finished folder that was tracked; run a stage there first"
        )
    return found


def present(source: Source, folder: Path) -> bool:
    """Whether the input still lies at its path and has a run of its own. A Hub id always does."""
    path, why = Path(source.path), ""
    if not path.exists() and source.fingerprint != digest(source.path):
        why = "is not there, so it is not linked; run this where the stages ran"
    elif (made := frozen(path)) is not None and made.tracking.mode == "none":
        why = "was made with tracking=none, so it is not linked"
    if why:
        log.warning("%s: %s=%s %s", folder, source.key, source.path, why)
    return not why


def upstream(output_root: Path, group: str) -> Upstream:
    """The runs that the finished points of a group were made from; none, with a warning, where no point is finished."""
    points = [(config, folder) for config, folder in tracked(output_root) if config.tracking.group == group]
    if not points:
        log.warning("output_root=%s: no finished point of %s, so the runs of its data are left out", output_root, group)
    data, models = dict[str, None](), dict[str, None]()
    for config, folder in points:
        made = {kind: run_id(one.path, one.fingerprint) for kind, one in nearest_ancestors(folder.manifest).items()}
        data |= dict.fromkeys(run for kind, run in made.items() if kind in DATA)
        if config.stage == "evaluate" and "models" in made:
            models[made["models"]] = None
    own = {run_id(folder.path, folder.fingerprint) for _, folder in points}
    return Upstream(list(data), [model for model in models if model not in own])
