"""The controller: corpus and seed to M_n, every stage a fresh process, finished ones skipped (design section 5)."""

import time
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.analysis.pages.terminal import closing
from humpback_exp.config import PipelineConfig, ReportConfig, StageConfig
from humpback_exp.distributed import rank
from humpback_exp.execution.group import check_ranks
from humpback_exp.execution.launch import launch
from humpback_exp.planning.input_check import check_folders
from humpback_exp.planning.preflight import check_later, prepared
from humpback_exp.progress import log, set_up_logging, table
from humpback_exp.workflow import report
from humpback_exp.workflow.variants import whole_loop


def run(config: PipelineConfig) -> None:
    """Print the plan, run what is missing, print what came out. Every rank of several nodes runs this.

    Raises:
        StageFailed: a stage ended badly; those before it are finished.
    """
    set_up_logging()
    stages = whole_loop(config)
    sound: set[Path] = set()
    first = rank() == 0  # of several that torchrun or srun started; the others follow from stage to stage
    if first:
        stages = prepared(stages)
        check_folders(stages, sound, moved_by="output_root")
    check_ranks(stages)
    if first:
        print("plan\n" + table([plan_row(stage, sound) for stage in stages]) + "\n", flush=True)
    seconds: dict[Path, float] = {}
    for number, stage in enumerate(stages, start=1):
        log.info("stage %d of %d: %s %s", number, len(stages), stage.stage, stage.name)
        started, finished = time.time(), artifacts.is_done(stage)
        launch(stage, fresh=True)
        if first:
            check_later(stage, stages[number:])
        if not finished:
            seconds[stage.folder] = time.time() - started
    if not first:
        return
    total = {"stage": "all", "name": "", "seconds": f"{sum(seconds.values()):.1f}", "rows": ""}
    print("\nstages\n" + table([*(stage_row(stage, seconds.get(stage.folder)) for stage in stages), total]))
    models = [stage.name for stage in stages if stage.kind == "evals"]
    curated = [stage.folder for stage in stages if stage.kind == "curated"]
    print("\n" + closing(config.output_root, models, curated[-1] if curated else None))
    report.run(ReportConfig(output_root=config.output_root))


def plan_row(stage: StageConfig, sound: set[Path]) -> dict[str, object]:
    """A stage, and how it stands; a finished one whose inputs are to be made again counts if they come out the same."""
    finished = artifacts.is_done(stage)
    begun = stage.folder.exists() and any(p.is_dir() for p in stage.folder.iterdir())
    state = "finished" if finished else "to be resumed" if begun else "to do"
    if finished and stage.folder not in sound:
        state = "finished, if its inputs come out the same"
    return {"stage": stage.stage, "name": stage.name, "state": state, "folder": stage.folder}


def stage_row(stage: StageConfig, seconds: float | None) -> dict[str, object]:
    took = "skipped" if seconds is None else f"{seconds:.1f}"
    rows = ", ".join(f"{count} {name}" for name, count in artifacts.load(stage.folder).rows.items())
    return {"stage": stage.stage, "name": stage.name, "seconds": took, "rows": rows}
