"""Which experiments of `conf/experiment/` belong to which command."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from humpback_exp.config.augmentation import AugmentConfig, RewriteConfig
from humpback_exp.config.commands import PipelineConfig
from humpback_exp.config.corpus import SegmentConfig
from humpback_exp.config.evaluation import EvaluateConfig
from humpback_exp.config.gate import GateConfig
from humpback_exp.config.planning import PlanConfig
from humpback_exp.config.steps import CurateConfig, PointConfig

FOLDER = Path(__file__).parents[2] / "conf" / "experiment"
COMMANDS: dict[str, Any] = {
    "train.py": PointConfig,
    "pipeline.py": PipelineConfig,
    "plan.py": PlanConfig,
    "segment.py": SegmentConfig,
    "augment.py": AugmentConfig,
    "gate.py": GateConfig,
    "curate.py": CurateConfig,
    "rewrite.py": RewriteConfig,
    "evaluate.py": EvaluateConfig,
}


def misplaced(command: str, words: Sequence[str]) -> str | None:
    """What to say of an `experiment=` that does not belong to the command it was given to; None where it does.

    Args:
        command: file name of the root script.
        words: its command line.
    """
    name = next((word.removeprefix("experiment=") for word in words if word.startswith("experiment=")), "")
    if command not in COMMANDS or not (FOLDER / f"{name}.yaml").is_file() or belongs(name, command):
        return None
    homes = ", ".join(each for each in COMMANDS if belongs(name, each))
    own = ", ".join(path.stem for path in sorted(FOLDER.glob("*.yaml")) if belongs(path.stem, command))
    takes = f"{command} takes {own}" if own else f"{command} takes none"
    return f"experiment={name}: is for {homes}; {takes}"


def belongs(name: str, command: str) -> bool:
    """Whether the command has every key that the experiment sets; one that names its folder is no loop's."""
    keys = settings(name)
    loop = issubclass(COMMANDS[command], PipelineConfig)
    return keys <= {f.name for f in fields(COMMANDS[command])} and not (loop and "name" in keys)


def settings(name: str) -> set[str]:
    """Top-level keys that an experiment sets, by itself, by groups that it overrides and by experiments it builds on."""
    held = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    keys = set(held) - {"defaults"}
    for entry in held.get("defaults", []):
        if isinstance(entry, str):
            keys |= settings(entry) if entry != "_self_" else set()
        else:
            keys |= {group.split("/")[-1].partition("@")[0] for group in entry}
    return keys
