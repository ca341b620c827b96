"""Which settings a sweep varies, read from its YAML, and where W&B finds them in the runs of its points."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from humpback_exp.config import STAGES, StageConfig

STANDS_FOR = {
    "adapter": "adapter.kind",
    "data": "data.min_score",
    "iterations": "name",  # rounds of the loop end in models m0, m1, ...
    "model": "model.path",
    "rubric": "rubric.name",
    "trainer": "trainer.strategy",
}
"""Group of conf/, or key of the pipeline, that a sweep varies -> the key of a training that tells its values apart."""
STEPS = {"curation.": "score", "evaluation.": "evaluate"}
"""Prefix of a point's settings for a stage other than training -> that stage."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A file of `sweeps/`."""

    name: str
    group: str
    """W&B group of its points."""
    question: str
    """The comment it begins with."""
    keys: list[str]
    """Config keys that are swept, in the order of the file."""


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
    swept = list(((written.get("hydra") or {}).get("sweeper") or {}).get("params") or {})
    if not swept:
        raise ValueError(f"{path}: names nothing in hydra.sweeper.params, so there is nothing to plot against")
    keys = list(dict.fromkeys(key for one in swept for key in varied(one, path.parent)))
    comment = re.match(r"(#.*\n)*", text)
    question = re.sub(r"\s*#\s*|\s+", " ", comment[0]).strip() if comment else ""
    return Sweep(path.stem, (written.get("tracking") or {}).get("group", path.stem), question, keys)


def varied(key: str, folder: Path) -> list[str]:
    """The config keys behind a swept one: itself, or what the options of a group beside the sweeps set, names left out."""
    if key in STANDS_FOR:
        return [STANDS_FOR[key]]
    found = dict[str, None]()
    for option in sorted((folder / key).glob("*.yaml")):
        text = option.read_text(encoding="utf-8")
        package = re.search(r"^# @package (\S+)$", text, re.MULTILINE)
        place = f"{key}." if package is None else "" if package[1] == "_global_" else f"{package[1]}."
        found |= dict.fromkeys(place + inner for inner in leaves(yaml.safe_load(text)) if inner != "name")
    return list(found) or [key]


def leaves(tree: dict[str, Any]) -> Iterator[str]:
    """Dotted keys of the values in a tree."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from (f"{key}.{inner}" for inner in leaves(value))
        else:
            yield key


def address(key: str) -> str:
    """The config key under which an evaluation of a point records a swept key.

    What its model was trained with stands below `lineage.models`, what that was made from below the kind it is:
    `lineage.models.optim.lr`, `lineage.scored.scorer`. A key no stage has is taken as it is.
    """
    for prefix, stage in STEPS.items():
        if key.startswith(prefix):
            return recorded(stage, key.removeprefix(prefix))
    for stage in ("train", "score", "augment", "segment", "evaluate"):
        for inner in (key, f"data.{key}"):  # the pipeline's min_score becomes training's data.min_score
            if has(STAGES[stage], inner):
                return recorded(stage, inner)
    return key


def recorded(stage: str, key: str) -> str:
    return key if stage == "evaluate" else f"lineage.{STAGES[stage].kind}.{key}"


def has(cls: type[StageConfig], key: str) -> bool:
    """Whether a config has a value at a dotted key."""
    place: Any = cls
    for part in key.split("."):
        types = {f.name: f.type for f in fields(place)} if is_dataclass(place) else {}
        if part not in types:
            return False
        place = types[part]
    return not is_dataclass(place)
