"""What can be said of a sweep's points before one is started: what they vary, and whether they can stand side by side."""

from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import StageConfig, identity, input_paths
from humpback_exp.config.base import require

PAIRS = ("data.seed_path", "heldout")
"""Keys of the files of human pairs, which no stage makes."""


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
            there = made.setdefault(stage.folder, facts)
            differs = sorted(key for key in facts.keys() | there.keys() if facts.get(key) != there.get(key))
            if differs:
                raise ValueError(
                    f"name={stage.name}: two points would write {stage.folder}, but differ in {', '.join(differs)}; "
                    f"put it into the name, as in name='NAME-${{{differs[0]}}}'"
                )
        if stages and stages[-1].folder in last:
            raise ValueError(f"name={stages[-1].name}: two points would both write {stages[-1].folder}; vary the name")
        last |= {stages[-1].folder} if stages else set()


def require_inputs(stages: Sequence[StageConfig]) -> None:
    """Raise unless every folder below output_root that stages read is finished or made by a stage before, and pairs are there."""
    made: set[Path] = set()
    for stage in stages:
        for key, path in input_paths(stage).items():
            if key in PAIRS:
                require(Path(path).is_file(), key, path, "no such file; give JSON lines with instruction and output")
            elif Path(stage.output_root) in Path(path).parents and Path(path) not in made:
                artifacts.load(Path(path))
        made.add(stage.folder)
