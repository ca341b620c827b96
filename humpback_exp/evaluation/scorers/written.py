"""Ratings that a model writes: asked for, read, asked for again while they cannot be read, averaged."""

from collections.abc import Sequence

from humpback_exp import reasons
from humpback_exp.completions import OVERFLOW, Completion
from humpback_exp.config import RatingConfig, RubricConfig
from humpback_exp.curation.parsing import Rated, parse_score
from humpback_exp.evaluation.scorers.models import Pair
from humpback_exp.inference.protocol import Engine, row_seed
from humpback_exp.progress import Advance, part
from humpback_exp.prompts import rating


def by_rating(
    engine: Engine,
    config: RatingConfig,
    rubric: RubricConfig,
    pairs: Sequence[Pair],
    ids: Sequence[str],
    advance: Advance,
) -> list[Rated]:
    """Ask for `config.samples` written ratings, each again while it is unreadable, and take the mean of the readable ones.

    Each try has its own seed. Greedy sampling answers the same each time, so it is asked once; a pair that does not fit
    the context will not fit the next time either. A pair that is asked again is no longer counted as done.
    """
    tries = config.attempts if config.generation.temperature > 0 else 1
    counted = part(advance, 1 / config.samples)
    asked: list[list[Completion]] = [[] for _ in pairs]
    for sample in range(config.samples):
        waiting = list(range(len(pairs)))
        for attempt in range(tries):
            if attempt:
                counted(-len(waiting), 0)
            conversations = [rating(rubric.prompt, *pairs[i], config.tagged) for i in waiting]
            seeds = [row_seed(config.seed, ids[i], sample * tries + attempt) for i in waiting]
            completions = engine.generate(conversations, config.generation, seeds, counted)
            for i, completion in zip(waiting, completions, strict=True):
                asked[i].append(completion)
            waiting = [i for i in waiting if ask_again(asked[i][-1], config, rubric)]
            if not waiting:
                break
    return [written(completions, config, rubric) for completions in asked]


def level_in(completion: Completion, config: RatingConfig, rubric: RubricConfig) -> float | None:
    """The level that a completion gives, None where it has none; a rating that was cut off may have gone on."""
    if completion.unfinished and config.generation.unfinished == "drop":
        return None
    return parse_score(completion.text, rubric.lowest)


def ask_again(completion: Completion, config: RatingConfig, rubric: RubricConfig) -> bool:
    """Whether another try may give a rating where this one gave none."""
    return completion.finish != OVERFLOW and level_in(completion, config, rubric) is None


def written(asked: Sequence[Completion], config: RatingConfig, rubric: RubricConfig) -> Rated:
    """The mean of the levels read from all completions about one pair, or why there is none."""
    raw = [completion.text for completion in asked]
    levels = [level for completion in asked if (level := level_in(completion, config, rubric)) is not None]
    if levels:
        return Rated(generated=sum(levels) / len(levels), raw=raw, re_asked=len(asked) > config.samples)
    return Rated(raw=raw, dropped=why_unread(asked))


def why_unread(asked: Sequence[Completion]) -> str:
    """Why none of the completions about a pair gave a rating: what is wrong with the last one that was written at all."""
    if any(completion.finish == OVERFLOW for completion in asked):
        return reasons.OVERFLOW
    last = next((completion for completion in reversed(asked) if completion.text.strip()), asked[-1])
    empty = "" if last.text.strip() else reasons.EMPTY
    return last.unusable or empty or last.unfinished or reasons.UNREADABLE
