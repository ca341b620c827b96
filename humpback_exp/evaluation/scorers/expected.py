"""The level that a rating model would begin its rating with, on average: one reading a pair, always readable."""

from collections.abc import Sequence

from humpback_exp import reasons
from humpback_exp.config import RubricConfig
from humpback_exp.curation.parsing import Rated, expectation
from humpback_exp.evaluation.scorers.models import Pair
from humpback_exp.inference.protocol import Engine
from humpback_exp.progress import Advance
from humpback_exp.prompts import ASSISTANT_PREFIX, rating


def by_expectation(
    engine: Engine, rubric: RubricConfig, pairs: Sequence[Pair], tagged: bool, advance: Advance
) -> list[Rated]:
    """The mean level where the rating would stand, were the rating model to begin with it; always readable, one reading a pair."""
    conversations = [rating(rubric.prompt, *pair, tagged) for pair in pairs]
    probabilities = engine.choose(conversations, [str(n) for n in rubric.ratings], ASSISTANT_PREFIX, advance)
    means = [expectation(rubric.ratings, row) for row in probabilities]
    return [
        Rated(
            expected=mean,
            mass=mass,
            dropped="" if mean is not None else reasons.OVERFLOW if mass is None else reasons.UNREADABLE,
        )
        for mean, mass in means
    ]
