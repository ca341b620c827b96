"""A W&B run as a context manager, or nothing at all.

One run a stage; its id comes from the folder's fingerprint and place, so a resumed stage goes on in its own run.
Artifacts carry the manifest and config, not the data: enough for the lineage graph at any size. The API key comes from
the environment.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import StageConfig
from humpback_exp.distributed import rank
from humpback_exp.progress import log
from humpback_exp.tracking import names
from humpback_exp.tracking.wandb_artifacts import RAW, alias, artifact_name, raw_artifact, sources

AXES = {"train": "step"}
"""Stage -> what its metrics are plotted against; `rows` done elsewhere."""
STRAY = (
    "WANDB_CONFIG", "WANDB_CONFIG_PATHS", "WANDB_FORK_FROM", "WANDB_JOB_TYPE", "WANDB_LAUNCH", "WANDB_LAUNCH_CONFIG_PATH",
    "WANDB_NAME", "WANDB_NOTES", "WANDB_PROJECT", "WANDB_RESUME", "WANDB_RESUME_FROM", "WANDB_RUN_GROUP", "WANDB_RUN_ID",
    "WANDB_RUN_STORAGE_ID", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_TAGS",
)  # fmt: skip
"""Environment variables that say which run this is. The client lets some of these overrule `wandb.init` (with WANDB_SWEEP_ID it
drops the id it is given), so that all points of a sweep would land in one run."""


class Tracker:
    """What a stage may record while it runs. This one records nothing: tracking=none, and every rank but the first."""

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Metrics at one place of the stage.

        Args:
            step: optimiser steps or rows done, a resumed stage counting on. A place logged again keeps its line.
        """

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sample rows, all with the same keys."""

    def finished(self, manifest: Manifest) -> None:
        """Summary and output artifact of the finished folder."""


class WandbTracker(Tracker):
    """A running W&B run."""

    def __init__(self, config: StageConfig, artifact: Artifact) -> None:
        forget_strays()
        # Artifacts wait here for `wandb sync`; the client's own place is the home folder, which does not travel along.
        os.environ.setdefault("WANDB_DATA_DIR", str(Path(config.output_root).absolute() / "wandb"))
        import wandb

        self.wandb, self.artifact, self.axis = wandb, artifact, AXES.get(config.stage, "rows")
        self.run = wandb.init(
            project=config.tracking.project,
            entity=config.tracking.entity,
            group=config.tracking.group,
            job_type=config.stage,
            name=config.name,
            tags=names.tags(config),
            id=names.run_id(artifact.folder, artifact.manifest.fingerprint),
            dir=config.output_root,
            mode=cast(Any, config.tracking.mode),
            resume="allow",
            config=names.run_config(config, artifact),
            settings=client_settings(),
        )
        # Without `step_sync` the client leaves the axis out where it is not given; with it, an axis never given reads 0.
        self.run.define_metric(self.axis, hidden=True, summary="none")
        self.run.define_metric("*", step_metric=self.axis, step_sync=False)
        if config.tracking.mode == "online":
            self._link_inputs()

    def _link_inputs(self) -> None:
        """Draw the lineage edges; the client refuses this offline, where `sweeps/link_inputs.py` does so after the sync."""
        for source in sources(self.artifact.manifest):
            used = raw_artifact(source) if source.type == RAW else source.version
            try:
                self.run.use_artifact(used, aliases=[alias(source.fingerprint)] if source.type == RAW else None)
            except Exception as error:
                # Not uploaded yet, refused, no connection: the client raises kinds without a common base for these, some
                # of them private, and no missing edge is worth a stage.
                why = " ".join(str(error).split())
                log.warning("W&B: no edge from %s is drawn (%s); sweeps/link_inputs.py adds it later", source.path, why)

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        place = {} if step is None else {self.axis: step}
        # Committed at once: a last step that is flushed at the end would overwrite the summary's figures of the whole.
        self.run.log(dict(metrics) | place, step=step, commit=True)

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            data = [list(row.values()) for row in rows]
            self.run.log({name: self.wandb.Table(columns=[*rows[0]], data=data)})

    def finished(self, manifest: Manifest) -> None:
        figures = names.summary(manifest)
        # Counts go into the history, too: bar charts read it. Metrics stand there step by step already.
        self.run.log({name: value for name, value in figures.items() if "/" in name})
        self.run.summary.update(figures)
        output = self.wandb.Artifact(artifact_name(manifest), type=manifest.kind, metadata=figures)
        output.add_file(str(self.artifact.folder / "manifest.json"))
        output.add_file(str(self.artifact.folder / "config.yaml"))
        self.run.log_artifact(output, aliases=["latest", alias(manifest.fingerprint)])


def client_settings() -> Any:
    """Settings of a quiet client: it sends no code, and no Git remote, whose URL may hold a token; a kill loses one second of
    records.
    """
    import wandb

    return wandb.Settings(
        silent=True,
        disable_code=True,
        disable_git=True,
        disable_job_creation=True,
        sagemaker_disable=True,
        x_transaction_log_flush_interval=1.0,
    )


def forget_strays() -> None:
    """Remove the variables that would make this another run than its config says."""
    strays = [name for name in STRAY if os.environ.pop(name, None) is not None]
    if strays:
        log.info("W&B: %s ignored; the config says which run this is", ", ".join(strays))


@contextmanager
def track(config: StageConfig, artifact: Artifact) -> Iterator[Tracker]:
    """The tracker of a stage; the W&B run ends with the block, marked failed when the block raises."""
    if config.tracking.mode == "none" or rank() != 0:
        yield Tracker()
        return
    tracker = WandbTracker(config, artifact)
    try:
        yield tracker
    except BaseException:
        tracker.run.finish(exit_code=1)
        raise
    tracker.run.finish()
