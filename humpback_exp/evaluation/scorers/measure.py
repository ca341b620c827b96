"""A scorer by its name: models + pairs -> what it measures of each. Scoring and its gate rate through `measure`."""

from collections.abc import Sequence

from humpback_exp.config import RatingConfig, RubricConfig
from humpback_exp.curation.parsing import Rated
from humpback_exp.evaluation.scorers.expected import by_expectation
from humpback_exp.evaluation.scorers.likelihood import by_likelihood
from humpback_exp.evaluation.scorers.models import Models, Pair
from humpback_exp.evaluation.scorers.written import by_rating
from humpback_exp.progress import Advance


def measure(
    models: Models,
    config: RatingConfig,
    scorer: str,
    rubric: RubricConfig,
    pairs: Sequence[Pair],
    ids: Sequence[str],
    advance: Advance,
) -> list[Rated]:
    """What `scorer` says of each pair.

    Args:
        ids: one a pair; with `config.seed` they decide what is sampled.
    """
    if scorer == "likelihood":
        return by_likelihood(models, config.likelihood, pairs, config.tagged, advance)
    assert models.rater is not None
    if scorer == "expected":
        return by_expectation(models.rater, rubric, pairs, config.tagged, advance)
    return by_rating(models.rater, config, rubric, pairs, ids, advance)
