"""The lineage edges that offline runs could not draw, added after `wandb sync`: every finished folder's run uses its inputs.

Edges that are there already are left alone, so the same command may run again after every sync.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from humpback_exp.artifacts import Artifact, digest, load
from humpback_exp.config import STAGES, StageConfig, read
from humpback_exp.progress import log
from humpback_exp.tracking.lineage import RAW, Source, alias, sources
from humpback_exp.tracking.names import run_id
from humpback_exp.tracking.run import client_settings, forget_strays, raw_artifact

INPUTS = "inputs"
"""Run that holds the artifacts of inputs no stage made, one a project."""


@dataclass(frozen=True, slots=True)
class Node:
    """A finished folder's run, and what it was made from."""

    folder: Path
    project: str
    entity: str | None
    run: str
    sources: list[Source]


@dataclass(slots=True)
class Linked:
    """What `link` did."""

    added: int = 0
    there: int = 0
    waiting: int = 0
    """Edges to or from something that is not synced yet."""


def nodes(output_root: Path) -> list[Node]:
    """Every finished folder below an output root that was tracked, by kind and name.

    Raises:
        ValueError: there is none.
    """
    found = []
    for path in sorted(output_root.glob("*/**/manifest.json")):
        config = frozen(path.parent)
        if config is not None and config.tracking.mode != "none":
            artifact = Artifact(path.parent, load(path.parent), finished=True)
            there = [source for source in sources(artifact.manifest) if present(source, path.parent)]
            found.append(Node(path.parent, config.tracking.project, config.tracking.entity, run_id(artifact), there))
    if not found:
        raise ValueError(
            f"output_root={output_root}: holds no finished folder that was tracked; run a stage there first"
        )
    return found


def present(source: Source, folder: Path) -> bool:
    """Whether the input can be told by its path still; a Hub id always can, for it is its own fingerprint."""
    there = Path(source.path).exists() or source.fingerprint == digest(source.path)
    if not there:
        log.warning(
            "%s: %s=%s is not there, so it is not linked; run this where the stages ran",
            folder,
            source.key,
            source.path,
        )
    return there


def frozen(folder: Path) -> StageConfig | None:
    """The config a folder was made with; None for a manifest of something else."""
    path = folder / "config.yaml"
    stage = yaml.safe_load(path.read_text(encoding="utf-8")).get("stage") if path.exists() else None
    return read(path, STAGES[stage]) if stage in STAGES else None


def link(graph: Iterable[Node], api: Any) -> Linked:
    """Add the edges that are missing.

    Args:
        api: a `wandb.Api`; of it are used `default_entity`, `run`, `artifact`, `artifact_exists`, and of its runs
            `used_artifacts` and `use_artifact`.
    """
    done, raw = Linked(), defaultdict[tuple[str, str], dict[str, Source]](dict)
    placed = [(node, node.entity or api.default_entity) for node in graph]
    for node, entity in placed:
        for source in node.sources:
            where = f"{entity}/{node.project}/{source.version}"
            if source.type == RAW and not api.artifact_exists(where):
                raw[entity, node.project][source.version] = source
    for (entity, project), missing in raw.items():
        publish(entity, project, missing.values())
    for node, entity in placed:
        _link_node(node, f"{entity}/{node.project}", api, done)
    return done


def _link_node(node: Node, project: str, api: Any, done: Linked) -> None:
    try:
        run = api.run(f"{project}/{node.run}")
    except ValueError:  # wandb.apis.public.runs.RunNotFoundError
        log.warning("%s: its run is not in W&B yet; sync it, then link again", node.folder)
        done.waiting += len(node.sources)
        return
    used = {artifact.id for artifact in run.used_artifacts()}
    for source in node.sources:
        where = f"{project}/{source.version}"
        if not api.artifact_exists(where):
            log.warning("%s: %s=%s is not in W&B yet; sync it, then link again", node.folder, source.key, source.path)
            done.waiting += 1
        elif (artifact := api.artifact(where)).id in used:
            done.there += 1
        else:
            run.use_artifact(artifact)
            done.added += 1


def publish(entity: str, project: str, missing: Iterable[Source]) -> None:
    """Log the artifacts that stand for raw inputs, from one run a project."""
    import wandb

    with (
        TemporaryDirectory() as scratch,
        wandb.init(
            entity=entity, project=project, id=INPUTS, name=INPUTS, job_type=RAW, mode="online", resume="allow",
            dir=scratch, settings=client_settings(),
        ) as run,
    ):  # fmt: skip
        for source in missing:
            run.log_artifact(raw_artifact(source), aliases=[alias(source.fingerprint)]).wait()


@contextmanager
def connected() -> Iterator[Any]:
    """A `wandb.Api`.

    Raises:
        ValueError: there is no key, it is refused, or the server cannot be reached.
    """
    forget_strays()
    import wandb

    try:
        yield wandb.Api()
    except wandb.errors.AuthenticationError as error:
        raise ValueError(
            f"W&B: no connection, or the key is refused; check WANDB_API_KEY and the network ({error})"
        ) from None
    except wandb.errors.UsageError:
        raise ValueError(
            "W&B: no key; set WANDB_API_KEY or run `wandb login`, then run the same command again"
        ) from None
    except wandb.errors.CommError as error:
        raise ValueError(f"W&B: {error}; check the network, then run the same command again") from None
