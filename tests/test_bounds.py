"""Values out of a field's bound are refused by key, before anything is done with them."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import get_type_hints

import pytest

from humpback_exp.config import (
    STAGES,
    DataConfig,
    GenerationConfig,
    HardwareConfig,
    OptimConfig,
    SelectConfig,
    TrainConfig,
    TrainerConfig,
)

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: OptimConfig(lr=0.0), "optim.lr=0.0: must be positive"),
        (lambda: OptimConfig(lr=1e30), "optim.lr=1e+30: must be 1 or less; AdamW moves every weight by about as much"),
        (lambda: OptimConfig(lr=NAN), "optim.lr=nan: must be a finite number"),
        (lambda: OptimConfig(weight_decay=-0.1), "optim.weight_decay=-0.1: must be 0 or more"),
        (lambda: OptimConfig(beta2=1.0), "optim.beta2=1.0: must lie in [0, 1)"),
        (lambda: OptimConfig(clip=-1.0), "optim.clip=-1.0: must be 0 or more"),
        (lambda: OptimConfig(epochs=0.0), "optim.epochs=0.0: must be positive or null"),
        (lambda: GenerationConfig(temperature=INFINITE), "generation.temperature=inf: must be a finite number"),
        (lambda: GenerationConfig(top_p=0.0), "generation.top_p=0.0: must lie in (0, 1]"),
        (lambda: DataConfig(max_length=0), "data.max_length=0: must be positive"),
        (lambda: DataConfig(direction="both"), "data.direction=both: must be one of forward, backward"),
        (lambda: TrainerConfig(micro_batch=0), "trainer.micro_batch=0: must be positive or null"),
        (lambda: TrainConfig(seed=-1), "seed=-1: must be 0 or more"),
        (lambda: SelectConfig(seed=-1), "seed=-1: must be 0 or more"),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_named(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value).startswith(told)


def test_what_is_still_to_be_given_is_in_bounds() -> None:
    assert HardwareConfig().memory == "???"
    assert TrainerConfig(micro_batch=None).micro_batch is None


def test_a_bound_is_for_the_type_of_its_field() -> None:
    """Every default is in its bound, of stages and of all their sections."""
    for stage in STAGES.values():
        for section in [stage, *(kind for kind in get_type_hints(stage).values() if is_dataclass(kind))]:
            for field in fields(section):
                bound = field.metadata.get("bound")
                assert not bound or field.default in (None, "???") or bound.holds(field.default), (section, field.name)
