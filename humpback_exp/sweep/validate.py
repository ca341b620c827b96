"""What can be said of a sweep's points before one is started: what they vary, whether they go together, what is wrong with them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from humpback_exp.artifacts.catalog import differing
from humpback_exp.config import StageConfig, TrainConfig, identity, input_paths
from humpback_exp.config.bounds import require
from humpback_exp.errors import format_error, report
from humpback_exp.planning.estimate import found
from humpback_exp.planning.input_check import all_pinned, check_folders, check_inputs
from humpback_exp.planning.machine import visible_gpus
from humpback_exp.planning.preflight import check_stages
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


def check(points: Sequence[Point], n_jobs: int | None) -> None:
    """Find what is wrong with points before one is started, and say it once; the others run all the same.

    Args:
        n_jobs: points that will run at a time on this machine; None where a cluster runs them.
    """
    said, sound, models = set[str](), set[Path](), dict[str, TrainConfig]()
    for point in points:
        try:
            if point.mistake is not None:
                raise point.mistake
            check_inputs(point.stages)
            stages = all_pinned(point.stages)
            require_other_pairs(point, models)  # a selection that keeps nothing is a mistake, too
            if not point.finished:
                if n_jobs is not None:
                    require_room(point, n_jobs)
                check_stages(stages, here=n_jobs is not None)
            check_folders(point.stages, sound)
        except Exception as error:
            if format_error(error) not in said:
                report(error)
            said.add(format_error(error))
            point.mistake = error


def require_other_pairs(point: Point, models: dict[str, TrainConfig]) -> None:
    """Raise where a selection has too few web pairs to make a model other than that of a point before, or none.

    Args:
        models: those of the points before, by all that identifies them; theirs are added.
    """
    for stage, kept in sized_trainings(point):
        facts = identity(stage) | input_paths(stage) | {"data.size": kept}
        twin = models.setdefault(json.dumps(facts, sort_keys=True), stage)
        why = f"the selection has {kept} web pairs, with which {twin.name} is trained; lower it"
        require(twin.folder == stage.folder or point.finished, "data.size", stage.data.size, why)


def sized_trainings(point: Point) -> Iterator[tuple[TrainConfig, int]]:
    """Trainings that name a `data.size`, with the web pairs that their selection keeps, where its scores are there.

    Raises:
        ValueError: a selection keeps none.
    """
    for stage in point.stages:
        kept = found([stage]).get("curated")
        if isinstance(stage, TrainConfig) and stage.data.size is not None and kept is not None:
            yield stage, kept[0]


def require_room(point: Point, n_jobs: int) -> None:
    """Raise unless `n_jobs` points like this one find their GPUs on this machine."""
    for stage in point.stages:
        if isinstance(stage, TrainConfig) and stage.trainer.accelerator == "gpu":
            nodes, gpus = stage.trainer.nodes, len(visible_gpus())
            one = "takes hydra/launcher=submitit_slurm, which asks for them, or trainer=zero3_offload on one node"
            require(nodes == 1, "trainer.nodes", nodes, f"a point on several nodes {one}")
            wanted = n_jobs * stage.trainer.devices
            require(n_jobs == 1 or wanted <= gpus, "n_jobs", n_jobs, f"takes {wanted} GPUs, here are {gpus}; lower it")


def shortfalls(points: Sequence[Point]) -> list[str]:
    """Which points will be trained on fewer web pairs than they ask for, in words; those whose scores are there."""
    lines: dict[str, list[str]] = {}
    for number, point in enumerate(points, start=1):
        if point.mistake is not None or point.finished:
            continue
        for stage, kept in sized_trainings(point):
            if stage.data.size is not None and kept < stage.data.size:
                what = f"data.size={stage.data.size}, but the selection has {kept} web pairs"
                lines.setdefault(what, []).append(str(number))
    return [f"points {', '.join(numbers)}: {what}" for what, numbers in lines.items()]
