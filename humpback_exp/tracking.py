"""A W&B run as a context manager, or nothing at all.

One run a stage; its id comes from the folder's fingerprint and place, so a resumed stage goes on in its own run.
Artifacts carry the manifest and config, not the data: enough for the lineage graph at any size. The API key comes from
the environment.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from humpback_exp.artifacts import Artifact, Manifest, git_commit, load
from humpback_exp.config import StageConfig, to_plain
from humpback_exp.processes import rank
from humpback_exp.progress import log

ID_LENGTH = 32


class Tracker(Protocol):
    """What a stage may say while it runs."""

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Metrics of one step."""

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sample rows, all with the same keys."""

    def finished(self, manifest: Manifest) -> None:
        """Summary and output artifact of the finished folder."""


class NoTracker:
    """tracking=none, and every rank but the first."""

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        pass

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        pass

    def finished(self, manifest: Manifest) -> None:
        pass


class WandbTracker:
    """A running W&B run."""

    def __init__(self, config: StageConfig, artifact: Artifact) -> None:
        import wandb

        self.wandb, self.artifact, self.online = wandb, artifact, config.tracking.mode == "online"
        self.run = wandb.init(
            project=config.tracking.project,
            entity=config.tracking.entity,
            group=config.tracking.group,
            job_type=config.stage,
            name=config.name,
            id=run_id(config, artifact),
            dir=config.output_root,
            mode=cast(Any, config.tracking.mode),
            resume="allow",
            config=to_plain(config) | {"inputs": artifact.manifest.inputs, "git_commit": git_commit()},
            settings=wandb.Settings(silent=True, disable_code=True, disable_job_creation=True),
        )
        if self.online:
            self._link_inputs()

    def _link_inputs(self) -> None:
        """Draw the lineage edges; the client refuses this offline, where the run's config names the inputs instead."""
        for source in self.artifact.manifest.inputs.values():
            folder = Path(source["path"])
            if (folder / "manifest.json").exists():
                made = load(folder)
                try:
                    self.run.use_artifact(f"{artifact_name(made)}:{made.fingerprint[:12]}")
                except self.wandb.errors.CommError as error:  # made offline and not uploaded yet
                    log.warning("W&B does not know %s yet, so no lineage to it is drawn (%s)", folder, error)

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.run.log(dict(metrics), step=step)

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            data = [list(row.values()) for row in rows]
            self.run.log({name: self.wandb.Table(columns=[*rows[0]], data=data)})

    def finished(self, manifest: Manifest) -> None:
        facts = {"rows": manifest.rows, "drops": manifest.drops, "wall_seconds": manifest.wall_seconds}
        self.run.summary.update(facts | manifest.metrics)
        output = self.wandb.Artifact(artifact_name(manifest), type=manifest.kind, metadata=facts)
        output.add_file(str(self.artifact.folder / "manifest.json"))
        output.add_file(str(self.artifact.folder / "config.yaml"))
        self.run.log_artifact(output, aliases=["latest", manifest.fingerprint[:12]])


def artifact_name(manifest: Manifest) -> str:
    """`kind-name` in the characters W&B allows."""
    return re.sub(r"[^\w.-]", "_", f"{manifest.kind}-{manifest.name}")


def run_id(config: StageConfig, artifact: Artifact) -> str:
    """The same for a resumed stage, another for the same settings in another folder."""
    place = f"{artifact.manifest.fingerprint}:{config.folder.absolute()}"
    return hashlib.sha256(place.encode()).hexdigest()[:ID_LENGTH]


@contextmanager
def track(config: StageConfig, artifact: Artifact) -> Iterator[Tracker]:
    """The tracker of a stage; the W&B run ends with the block, marked failed when the block raises."""
    if config.tracking.mode == "none" or rank() != 0:
        yield NoTracker()
        return
    tracker = WandbTracker(config, artifact)
    try:
        yield tracker
    except BaseException:
        tracker.run.finish(exit_code=1)
        raise
    tracker.run.finish()
