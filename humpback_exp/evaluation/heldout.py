"""Loss a labelled token on human pairs no model has seen, and answers to their prompts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from humpback_exp import reasons
from humpback_exp.completions import Completion
from humpback_exp.config import GenerationConfig
from humpback_exp.evaluation.statistics import ratio_and_error
from humpback_exp.inference.protocol import Engine, row_seed
from humpback_exp.progress import Advance, log
from humpback_exp.prompts import forward
from humpback_exp.records import Answer, Example, QuestionLosses


def losses(engine: Engine, pairs: Sequence[Example], tags: Sequence[str], advance: Advance) -> list[tuple[float, int]]:
    """Summed loss in nats and labelled tokens of every human answer; 0 and 0 of a prompt that has none."""
    answered = [pair for pair in pairs if pair.output]
    conversations = [forward(pair.instruction, tags) for pair in answered]
    found = iter(engine.losses(conversations, [pair.output for pair in answered], advance) if answered else [])
    return [next(found) if pair.output else (0.0, 0) for pair in pairs]


def answers(
    engine: Engine,
    pairs: Sequence[Example],
    tags: Sequence[str],
    sampling: GenerationConfig,
    seed: int,
    advance: Advance,
) -> list[Completion]:
    """The model's own answers, sampled as at evaluation in the paper (section 3.1)."""
    conversations = [forward(pair.instruction, tags) for pair in pairs]
    seeds = [row_seed(seed, pair.id) for pair in pairs]
    return engine.generate(conversations, sampling, seeds, advance)


def unmeasured(pair: Example) -> Answer:
    """The row of a pair of which nothing is known yet."""
    return Answer(id=pair.id, instruction=pair.instruction, human=pair.output, answer=None, loss=0.0, labels=0)


def with_loss(row: Answer, loss: float, labels: int) -> Answer:
    """The row with the loss of the human's answer, given as a sum over its labels in nats."""
    return replace(row, loss=loss / max(labels, 1), labels=labels)


def summary(rows: Sequence[Answer]) -> dict[str, float]:
    """`heldout_loss` over all labelled tokens, with its standard error over pairs; pairs without a loss are left out.

    Raises:
        ValueError: no pair has one.
    """
    known = [row for row in rows if not why_unmeasured(row)]
    if not known:
        whys = " or ".join(sorted({why_unmeasured(row) for row in rows}))
        raise ValueError(f"heldout: none of {len(rows)} pairs has a loss ({whys}); give shorter pairs or another model")
    loss, error = ratio_and_error([row.loss * row.labels for row in known], [row.labels for row in known])
    return {"heldout_loss": loss, "heldout_loss_error": error, "heldout_pairs": len(known)}


def why_unmeasured(row: Answer) -> str:
    """Why a pair has no loss: it does not fit the context, or what the model gives is no number; empty where it has."""
    if not row.labels:
        return reasons.OVERFLOW
    return "" if math.isfinite(row.loss) else reasons.UNREADABLE


def require_same_pairs(pairs: Sequence[Example], there: Mapping[str, Answer], key: str, reference: str | None) -> None:
    """Raise the ValueError of a reference whose losses are of other texts under the same ids: rows without an id are numbered."""
    known = [pair for pair in pairs if pair.id in there and there[pair.id].labels]
    other = [pair for pair in known if _text(there[pair.id]) != (pair.instruction, pair.output)]
    if other:
        raise ValueError(
            f"reference={reference}: its {key} are other pairs: {len(other)} of {len(pairs)} differ under the same id "
            f"({other[0].id}: {other[0].instruction[:60]!r}); evaluate it again on the same ones"
        )


def _text(row: Answer) -> tuple[str, str]:
    return row.instruction, row.human


R = TypeVar("R", Answer, QuestionLosses)


def paired(rows: Sequence[R], reference: Mapping[str, R], key: str) -> list[tuple[R, R]]:
    """The rows that the reference has, too, beside its own; none where the two count other tokens."""
    both = [(row, reference[row.id]) for row in rows if row.id in reference]
    both = [(row, other) for row, other in both if row.labels and other.labels]
    other = sum(row.labels != there.labels for row, there in both)
    if other:
        said = "%s: the reference counts other tokens in %d of %d answers (tokenizer or template), so losses are not compared"
        log.warning(said, key, other, len(both))
    return [] if other else both


def difference(rows: Sequence[Answer], reference: Mapping[str, Answer], key: str = "heldout") -> dict[str, float]:
    """Change of the loss against a reference on the same pairs, with the paired standard error, far smaller than either's."""
    both = paired([row for row in rows if not why_unmeasured(row)], reference, key)
    both = [(row, other) for row, other in both if not why_unmeasured(other)]
    if not both:
        return {}
    changes = [(row.loss - other.loss) * row.labels for row, other in both]
    change, error = ratio_and_error(changes, [row.labels for row, _ in both])
    return {"heldout_change": change, "heldout_change_error": error}
