"""What a sweep varies, read from its YAML, and where W&B finds it in the runs of its points."""

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from humpback_exp.config import STAGES, StageConfig

GROUPS = {"model": "model.path", "rubric": "rubric.name", "adapter": "adapter.kind", "trainer": "trainer.strategy"}
"""Config group that a sweep chooses from -> the key that tells its options apart."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A file of `sweeps/`."""

    name: str
    group: str
    """W&B group of its points."""
    question: str
    """Its first comment."""
    keys: list[str]
    """What is swept, in the order of the file."""


def read(path: Path) -> Sweep:
    """The sweep of a YAML file.

    Raises:
        ValueError: there is no such file, naming those there are, or it sweeps nothing.
    """
    if not path.exists():
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.yaml")))
        raise ValueError(f"sweep={path.stem}: no such sweep; there are {there}")
    text = path.read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    keys = list(((written.get("hydra") or {}).get("sweeper") or {}).get("params") or {})
    if not keys:
        raise ValueError(f"{path}: names nothing in hydra.sweeper.params, so there is nothing to plot against")
    comments = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    group = (written.get("tracking") or {}).get("group", path.stem)
    return Sweep(path.stem, group, comments[0] if comments else "", keys)


def address(key: str) -> str:
    """The config key under which an evaluation of a point records a swept key.

    What its model was trained with stands below `lineage.models`, what that was made from below the kind it is:
    `lineage.models.optim.lr`, `lineage.scored.scorer`. A key no stage has is taken as it is.
    """
    key = GROUPS.get(key, key)
    for stage in ("train", "score", "augment", "segment", "evaluate"):
        cls = STAGES[stage]
        for inner in (key, f"data.{key}"):  # the pipeline's min_score becomes training's data.min_score
            if has(cls, inner):
                return inner if stage == "evaluate" else f"lineage.{cls.kind}.{inner}"
    return key


def has(cls: type[StageConfig], key: str) -> bool:
    """Whether a config has a value at a dotted key."""
    place: Any = cls
    for part in key.split("."):
        types = {f.name: f.type for f in fields(place)} if is_dataclass(place) else {}
        if part not in types:
            return False
        place = types[part]
    return not is_dataclass(place)
