"""What can be said of a sweep's points before one is started: what they vary, whether they go together, what is wrong with them."""

from collections.abc import Sequence
from pathlib import Path

from humpback_exp.artifacts.catalog import differing
from humpback_exp.config import StageConfig, TrainConfig, identity, input_paths
from humpback_exp.config.bounds import require
from humpback_exp.data.sources import pinned
from humpback_exp.errors import format_error, report
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.planning.preflight import check_folders, check_inputs, check_stages
from humpback_exp.sweep.estimate import Costs
from humpback_exp.sweep.point import Point


def varied(overrides: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Key and value of what tells each point from the others, from all points' command lines."""
    pairs = [dict(word.lstrip("+").split("=", 1) for word in words) for words in overrides]
    keys = [key for key in pairs[0] if len({pair.get(key) for pair in pairs}) > 1]
    return [{key: pair.get(key, "") for key in keys} for pair in pairs]


def require_distinct(points: Sequence[Sequence[StageConfig]]) -> None:
    """Raise unless stages that share a folder are the same stage, and no two points are the same."""
    made: dict[Path, dict[str, object]] = {}
    last: set[Path] = set()
    for stages in points:
        for stage in stages:
            facts = identity(stage) | input_paths(stage)
            differs = [*differing([facts, made.setdefault(stage.folder, facts)])]
            if differs:
                raise ValueError(
                    f"name={stage.name}: two points would write {stage.folder}, but differ in {', '.join(differs)}; "
                    f"put it into the name, as in name='NAME-${{{differs[0]}}}'"
                )
        if stages and stages[-1].folder in last:
            raise ValueError(f"name={stages[-1].name}: two points would both write {stages[-1].folder}; vary the name")
        last |= {stages[-1].folder} if stages else set()


def check(points: Sequence[Point], costs: Costs, n_jobs: int | None) -> None:
    """Find what is wrong with points before one is started, and say it once; the others run all the same.

    Args:
        costs: counts what points are trained on; a selection that keeps nothing is a mistake.
        n_jobs: points that will run at a time on this machine; None where a cluster runs them.
    """
    said, sound = set[str](), set[Path]()
    for point in points:
        try:
            if point.mistake is not None:
                raise point.mistake
            check_inputs(point.stages)
            stages = list(map(pinned, point.stages))
            if not point.finished:
                costs.found(point.stages)
                if n_jobs is not None:
                    require_room(point, n_jobs)
                check_stages(stages, here=n_jobs is not None)
            check_folders(point.stages, sound)
        except Exception as error:
            if format_error(error) not in said:
                report(error)
            said.add(format_error(error))
            point.mistake = error


def require_room(point: Point, n_jobs: int) -> None:
    """Raise unless `n_jobs` points like this one find their GPUs on this machine."""
    for stage in point.stages:
        if isinstance(stage, TrainConfig) and stage.trainer.accelerator == "gpu":
            nodes, gpus = stage.trainer.nodes, len(visible_gpus())
            one = "takes hydra/launcher=submitit_slurm, which asks for them, or trainer=zero3_offload on one node"
            require(nodes == 1, "trainer.nodes", nodes, f"a point on several nodes {one}")
            wanted = n_jobs * stage.trainer.devices
            require(n_jobs == 1 or wanted <= gpus, "n_jobs", n_jobs, f"takes {wanted} GPUs, here are {gpus}; lower it")


def short(points: Sequence[Point], costs: Costs) -> list[str]:
    """Which points will be trained on fewer web pairs than they ask for, in words; those whose scores are there."""
    found: dict[str, list[str]] = {}
    for number, point in enumerate(points, start=1):
        if point.mistake is not None or point.finished:
            continue
        for stage in point.stages:
            size = stage.data.size if isinstance(stage, TrainConfig) else None
            there = costs.found([stage]).get("curated")
            if size and there and there[0] < size:
                what = f"data.size={size}, but the selection has {there[0]} web pairs"
                found.setdefault(what, []).append(str(number))
    return [f"points {', '.join(numbers)}: {what}" for what, numbers in found.items()]
