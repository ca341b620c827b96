"""The models that scorers ask, loaded, and the pairs they are asked about."""

from dataclasses import dataclass

from humpback_exp.config import RatingConfig
from humpback_exp.config.rating import LIKELIHOODS
from humpback_exp.inference.load import load_engine
from humpback_exp.inference.protocol import Engine
from humpback_exp.planning.tensor_parallel import shared_engine

Pair = tuple[str, str]
"""Instruction and output."""


@dataclass(slots=True, frozen=True)
class Models:
    """The rating model, the backward model and the base model, each only where the scorers in use ask it."""

    rater: Engine | None
    backward: Engine | None
    base: Engine | None = None


def load_models(config: RatingConfig) -> Models:
    """Load what `config.scorers_used` needs."""
    measures = LIKELIHOODS[config.likelihood] if "likelihood" in config.scorers_used else ()
    alone = measures == ("backward",) and config.scorers_used == {"likelihood"}
    backward = config.backward_path if "backward" in measures else None
    base = config.base_path if "contrast" in measures else None
    engine = shared_engine(config)
    return Models(
        rater=None if alone else load_engine(engine, config.model_path),
        backward=load_engine(engine, backward, "backward_path") if backward else None,
        base=load_engine(engine, base, "base_path", config.base_template) if base else None,
    )
