"""The lineage edges that offline runs could not draw, added after `wandb sync`: the run of every finished folder uses its
inputs.

Edges that are there already are left alone, so the same command may run again after every sync.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from humpback_exp.progress import log
from humpback_exp.tracking.lineage import Node
from humpback_exp.tracking.tracker import client_settings, forget_strays
from humpback_exp.tracking.wandb_artifacts import RAW, Source, alias, raw_artifact

INPUTS = "inputs"
"""Run that holds the artifacts of inputs no stage made, one a project."""


@dataclass(slots=True)
class Linked:
    """How many edges `link` added, found, or could not draw yet."""

    added: int = 0
    there: int = 0
    waiting: int = 0
    """Edges to or from something that is not synced yet."""


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
    run = synced(api, f"{project}/{node.run}")
    if run is None:
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


def synced(api: Any, path: str) -> Any | None:
    """The run at `entity/project/id`; None where W&B has no such run."""
    from wandb.apis.public.runs import RunNotFoundError
    from wandb.errors import CommError

    try:
        return api.run(path)
    except (RunNotFoundError, CommError) as error:  # the client wraps its own error in a CommError
        if not isinstance(getattr(error, "exc", error), RunNotFoundError):
            raise
        return None


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
        api = wandb.Api()
    except wandb.errors.AuthenticationError as error:
        raise ValueError(
            f"W&B: no connection, or the key is refused; check WANDB_API_KEY and the network ({error})"
        ) from None
    except wandb.errors.UsageError:
        raise ValueError(
            "W&B: no key; set WANDB_API_KEY or run `wandb login`, then run the same command again"
        ) from None
    try:
        yield api
    except wandb.errors.CommError as error:
        raise ValueError(f"W&B: {error}; check the network, then run the same command again") from None
