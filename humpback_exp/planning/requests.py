"""What the stages of a loop ask of a model: numbers and lengths of prompts."""

from humpback_exp.augmentation import MAX_CHARS
from humpback_exp.config import PlanConfig
from humpback_exp.planning.generation import Requests
from humpback_exp.planning.sizes import Sizes
from humpback_exp.prompts import BACKWARD, JUDGE, REWRITE

MARKS = 20
"""Tokens that a template and a tag add to a prompt (ours)."""


def augment_requests(config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """One backward prompt a segment."""
    rows, own = sizes.candidates, len(BACKWARD)
    return (
        _requests(
            config, rows.count, own + rows.output, own + config.corpus.max_chars, config.generation.max_new_tokens
        ),
    )


def score_requests(config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """A rating of every candidate, the unreadable ones asked again; by likelihood, two readings of each."""
    rows, longest = sizes.candidates, MAX_CHARS + config.corpus.max_chars
    pair = rows.instruction + rows.output
    if config.scorer == "likelihood":
        alone = _requests(config, rows.count, rows.output, config.corpus.max_chars, 0)
        return _requests(config, rows.count, pair, longest, 0), alone
    tries = config.attempts if config.rating.temperature > 0 else 1
    asked = rows.count * sum(config.sizes.unreadable**attempt for attempt in range(tries))
    rubric = len(config.rubric.prompt)
    return (_requests(config, asked, rubric + pair, rubric + longest, config.rating.max_new_tokens),)


def rewrite_requests(config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """One draft to be rewritten a selected pair."""
    rows, longest = sizes.curated, MAX_CHARS + config.corpus.max_chars
    own, writes = len(REWRITE), config.rewriting.max_new_tokens
    return (_requests(config, rows.count, own + rows.instruction + rows.output, own + longest, writes),)


def evaluate_requests(config: PlanConfig, sizes: Sizes, compares: bool) -> tuple[Requests, ...]:
    """Losses and answers on held-out pairs, true and mismatched pairs rated by both scorers, comparisons in both orders."""
    rows, prompts, ratings = sizes.heldout, config.judge.prompts, 2 * config.ratings
    pair, rubric = rows.instruction + rows.output, len(config.rubric.prompt)
    judged = len(JUDGE) + pair + rows.output
    return (
        _requests(config, rows.count + 2 * ratings, pair, pair, 0),
        _requests(config, prompts, rows.instruction, rows.instruction, config.generation.max_new_tokens),
        _requests(config, ratings, rubric + pair, rubric + pair, config.rating.max_new_tokens),
        _requests(config, 2 * prompts if compares else 0, judged, judged, 0),
    )


def _requests(config: PlanConfig, count: float, prompt: float, longest: float, writes: int) -> Requests:
    """Characters as tokens, with the marks around them; a prompt that leaves no room in the context is not sent."""
    per_token = config.sizes.chars_per_token
    most = min(int(longest / per_token) + MARKS, config.model.context - writes)
    return Requests(count, prompt / per_token + MARKS, most, writes)
