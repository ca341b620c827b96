"""What the stages of a loop ask of a model: numbers and lengths of prompts."""

from humpback_exp.augmentation.instructions import MAX_CHARS
from humpback_exp.config import (
    AugmentConfig,
    EvaluateConfig,
    GateConfig,
    PlanConfig,
    RatingConfig,
    RewriteConfig,
    ScoreConfig,
    StageConfig,
)
from humpback_exp.config.measurements import OTHER_QUESTIONS
from humpback_exp.config.rating import LIKELIHOODS
from humpback_exp.planning.generation import Requests
from humpback_exp.planning.sizes import Rows, Sizes
from humpback_exp.prompts import BACKWARD, JUDGE, REWRITE

MARKS = 20
"""Tokens that a template and a tag add to a prompt (ours)."""


def requests_of(stage: StageConfig, config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """The requests of a stage; none where it asks no model."""
    web, heldout, most = sizes.candidates, sizes.heldout, config.corpus.max_chars
    match stage:
        case AugmentConfig():
            own, writes = len(BACKWARD), config.generation.max_new_tokens
            return (_requests(config, web.count, own + web.output, own + most, writes),)
        case GateConfig():  # each pair is rated whole and corrupted in two ways
            count = 3 * min(config.gate.pairs, heldout.count)
            return _ratings(config, stage, heldout, count, (heldout.instruction, heldout.output))
        case ScoreConfig():  # those that a second scorer rates, to compare the two, are too few to count
            return _ratings(config, stage, web, web.count, (MAX_CHARS, most))
        case RewriteConfig():
            own, chosen = len(REWRITE), sizes.curated
            draft, writes = chosen.instruction + chosen.output, config.rewriting.max_new_tokens
            return (_requests(config, chosen.count, own + draft, own + MAX_CHARS + most, writes),)
        case EvaluateConfig():
            return _evaluation(config, heldout, compares=stage.reference is not None)
    return ()


def _ratings(
    config: PlanConfig, stage: RatingConfig, rows: Rows, count: float, most: tuple[float, float]
) -> tuple[Requests, ...]:
    """One reading a pair; by likelihood up to four; a written rating is sampled, and asked again where it is unreadable.

    Args:
        most: characters of the longest instruction and output.
    """
    pair, longest = rows.instruction + rows.output, sum(most)
    if stage.scorer == "likelihood":
        own = len(BACKWARD)
        backward = _requests(config, count, own + pair, own + longest, 0)
        whole = _requests(config, count, pair, longest, 0)
        alone = _requests(config, count, rows.output, most[1], 0)
        asked = {"forward": (whole, alone), "backward": (backward,), "contrast": (whole, whole)}
        return tuple(one for name in LIKELIHOODS[stage.likelihood] for one in asked[name])
    if not stage.rubric.rates_output:
        pair, longest = rows.instruction, most[0]
    own = len(stage.rubric.prompt)
    if stage.scorer == "expected":
        return (_requests(config, count, own + pair, own + longest, 0),)
    tries = stage.attempts if stage.generation.temperature > 0 else 1
    times = stage.samples * sum(config.sizes.unreadable**attempt for attempt in range(tries))
    return (_requests(config, times * count, own + pair, own + longest, stage.generation.max_new_tokens),)


def _evaluation(config: PlanConfig, rows: Rows, compares: bool) -> tuple[Requests, ...]:
    """Losses and answers on held-out pairs, comparisons in one order or both."""
    prompts, pair = config.judge.prompts, rows.instruction + rows.output
    writes = (config.answers or config.generation).max_new_tokens
    judged, orders = len(JUDGE) + pair + rows.output, 2 if config.judge.order == "both" else 1
    ranks = config.judge.generation.max_new_tokens if config.judge.verdict == "ranking" else 0
    others = OTHER_QUESTIONS if "question_selection" in (config.evaluations or []) else 0
    return (
        _requests(config, (1 + others) * rows.count, pair, pair, 0),
        _requests(config, prompts, rows.instruction, rows.instruction, writes),
        _requests(config, orders * prompts if compares else 0, judged, judged, ranks),
    )


def _requests(config: PlanConfig, count: float, prompt: float, longest: float, writes: int) -> Requests:
    """Characters as tokens, with the marks around them; a prompt that leaves no room in the context is not sent."""
    per_token = config.sizes.chars_per_token
    most = min(int(longest / per_token) + MARKS, config.model.context - writes)
    return Requests(count, prompt / per_token + MARKS, most, writes)
