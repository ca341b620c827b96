"""What every measurement of an evaluation is given, and what it gives back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from humpback_exp.artifacts import write_text
from humpback_exp.config import EvaluateConfig
from humpback_exp.data.seed import load_seed
from humpback_exp.evaluation.benchmarks.model import load_lm
from humpback_exp.evaluation.judge.opponents import read_opponents
from humpback_exp.evaluation.overlap import overlap
from humpback_exp.inference.load import load_engine
from humpback_exp.inference.protocol import Engine
from humpback_exp.planning.tensor_parallel import shared_engine
from humpback_exp.records import Answer, Example, read_file

R = TypeVar("R")


@dataclass
class Evaluation:
    """A model under measurement. What several measurements share is loaded when the first asks for it."""

    config: EvaluateConfig
    folder: Path
    """Where a measurement leaves its files. It reads those that are there instead of measuring again."""

    @cached_property
    def engine(self) -> Engine:
        """The model. lm-eval's copy of it is given up: two may not fit."""
        self.__dict__.pop("lm", None)
        return load_engine(shared_engine(self.config), self.config.model_path, template=self.config.template)

    @cached_property
    def lm(self) -> Any:
        """The model as lm-eval asks it. Our engine of it is given up."""
        self.__dict__.pop("engine", None)
        return load_lm(self.config)

    @cached_property
    def pairs(self) -> list[Example]:
        """The held-out pairs."""
        return load_seed(self.config.heldout, "heldout", self.config.heldout_dataset)

    @cached_property
    def sets(self) -> dict[str, list[Example]]:
        """The further held-out pairs, by the name of their set."""
        return {name: load_seed(path, f"heldout_sets.{name}") for name, path in self.config.heldout_sets.items()}

    def of_reference(self, file: str, cls: type[R]) -> list[R]:
        """The rows of a file in the reference's folder; none where it holds no such measurement."""
        path = Path(self.config.reference or "") / file
        return list(read_file(path, cls)) if self.config.reference and path.exists() else []

    @cached_property
    def reference(self) -> dict[str, Answer]:
        """The rows by id of what ours is compared with; none without a reference."""
        return read_opponents(self.config, self.pairs)

    @cached_property
    def overlap(self) -> dict[str, float]:
        """How many of the prompts stand in the model's training pairs, in all and by source; `overlap.json` says which."""
        found = {} if self.config.stored_answers else overlap(self.config.model_path, self.pairs)
        if not found:
            return {}
        write_text(self.folder / "overlap.json", json.dumps(found, indent=1))
        by_source: dict[str, float] = {f"overlap_{source}": len(ids) for source, ids in found.items()}
        return by_source | {"overlap": len(set().union(*found.values()))}


@dataclass
class Measured:
    """What a measurement found, for the manifest and W&B."""

    metrics: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def named(figures: dict[str, float], name: str) -> dict[str, float]:
    """Figures of a further held-out set, as `heldout_loss/general`."""
    return {f"{key}/{name}": value for key, value in figures.items()}


def nothing(_: Evaluation) -> None:
    """No check."""


@dataclass(frozen=True)
class Measurement:
    """One that `evaluations=` names."""

    measure: Callable[[Evaluation], Measured]
    check: Callable[[Evaluation], None] = nothing
    """Raises the ValueError of what is missing; all checks come before the first measurement."""
