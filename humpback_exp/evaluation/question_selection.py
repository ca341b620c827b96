"""Does a model listen to the question? Each held-out answer is read behind its own question and behind four others.

*Instruction gain*: the nats a token by which the right question makes the human answer likelier than the others do, on
average. *Question selection*: the share of pairs whose right question makes the answer likelier than any other does. Chance is
20 %. The others are of the same page where it has them, for those are hardest to tell apart.
"""

import math
from collections.abc import Mapping, Sequence

from humpback_exp.config.measurements import FILES, OTHER_QUESTIONS
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.seed import require_questions
from humpback_exp.evaluation import heldout, heldout_sets
from humpback_exp.evaluation.answered import answered
from humpback_exp.evaluation.measurement import Evaluation, Measured, named
from humpback_exp.evaluation.statistics import mean_and_error, ratio_and_error
from humpback_exp.inference.protocol import Engine
from humpback_exp.progress import Advance, bar, counting
from humpback_exp.prompts import forward
from humpback_exp.records import Example, QuestionLosses, read_file, write

FOLDER = FILES["question_selection"]
"""Of an evaluation's folder; a file for each set of pairs."""
Loss = tuple[float, int]
"""Of an answer: the sum over its labels in nats, and how many these are."""


def page(pair_id: str) -> str:
    """What pairs of one page share: their id up to the last `#`, as `corpus.questions` writes it; empty without one."""
    return pair_id.rpartition("#")[0]


def other_questions(pairs: Sequence[Example]) -> list[list[str]]:
    """For each pair `OTHER_QUESTIONS` different ones, drawn by a seeded order: of its page first, then of all pairs."""
    drawn = []
    for pair in pairs:
        rest = [other for other in pairs if other.instruction != pair.instruction]
        rest.sort(key=lambda other: (page(other.id) != page(pair.id), shuffled_rank(0, f"{pair.id}:{other.id}")))
        drawn.append(list(dict.fromkeys(other.instruction for other in rest))[:OTHER_QUESTIONS])
    return drawn


def check(evaluation: Evaluation) -> None:
    """Raise the ValueError of a set with too few questions to draw others from."""
    paths = {"heldout": evaluation.config.heldout} | evaluation.config.heldout_sets
    for name, pairs in _sets(evaluation).items():
        require_questions(pairs, name if name == "heldout" else f"heldout_sets.{name}", str(paths[name]))


def measure(evaluation: Evaluation) -> Measured:
    """Both figures and their changes on `heldout` and on every further set; what lies in the folder is not read again."""
    found = Measured()
    for key, pairs in _sets(evaluation).items():
        file = f"{FOLDER}/{key}.parquet"
        if not (evaluation.folder / file).exists():
            known = _own_losses(evaluation, key)
            readings = sum(OTHER_QUESTIONS + (pair.id not in known) for pair in pairs if pair.output)
            with bar(readings, f"{evaluation.config.name}: questions of {key}") as progress:
                rows = read(evaluation.engine, pairs, known, evaluation.config.tags, counting(progress))
            write(evaluation.folder / file, QuestionLosses, rows)
        rows = list(read_file(evaluation.folder / file, QuestionLosses))
        there = evaluation.of_reference(file, QuestionLosses)
        figures = summary(rows) | difference(rows, {row.id: row for row in there}, key)
        found.metrics |= figures if key == "heldout" else named(figures, key)
    return found


def _sets(evaluation: Evaluation) -> dict[str, list[Example]]:
    return {"heldout": evaluation.pairs} | evaluation.sets


def _own_losses(evaluation: Evaluation, key: str) -> dict[str, Loss]:
    """By id, the loss behind the pair's own question, where losses of the set are asked for; measured if not there yet."""
    rows = answered(evaluation) if key == "heldout" else heldout_sets.rows_of(evaluation, key)
    return {row.id: (row.loss * row.labels, row.labels) for row in rows if not heldout.why_unmeasured(row)}


def read(
    engine: Engine, pairs: Sequence[Example], known: Mapping[str, Loss], tags: Sequence[str], advance: Advance
) -> list[QuestionLosses]:
    """The losses of each answer behind its own question and behind the others, with one reading for each that is not known."""
    answerable = [pair for pair in pairs if pair.output]
    drawn = other_questions(answerable)
    asked = [
        others if pair.id in known else [pair.instruction, *others]
        for pair, others in zip(answerable, drawn, strict=True)
    ]
    conversations = [forward(question, tags) for questions in asked for question in questions]
    answers = [pair.output for pair, questions in zip(answerable, asked, strict=True) for _ in questions]
    found = iter(engine.losses(conversations, answers, advance))
    return [
        _row(pair, others, known[pair.id] if pair.id in known else next(found), [next(found) for _ in others])
        for pair, others in zip(answerable, drawn, strict=True)
    ]


def _row(pair: Example, others: list[str], own: Loss, found: Sequence[Loss]) -> QuestionLosses:
    """The row of a pair; its losses are nan where one of the questions does not fit the context."""
    loss, *losses = [loss / labels if labels else math.nan for loss, labels in (own, *found)]
    return QuestionLosses(id=pair.id, labels=own[1], loss=loss, questions=others, losses=losses)


def summary(rows: Sequence[QuestionLosses]) -> dict[str, float]:
    """Both figures with their standard errors over pairs; pairs that are not measured are left out of it
    and of `question_selection_pairs`."""
    known = [row for row in rows if math.isfinite(row.gain)]
    gained, gained_error = ratio_and_error([row.gain * row.labels for row in known], [row.labels for row in known])
    right, right_error = mean_and_error([row.percent_right for row in known])
    return {
        "instruction_gain": gained,
        "instruction_gain_error": gained_error,
        "question_selection": right,
        "question_selection_error": right_error,
        "question_selection_pairs": len(known),
    }


def difference(
    rows: Sequence[QuestionLosses], reference: Mapping[str, QuestionLosses], key: str = "heldout"
) -> dict[str, float]:
    """Change of both against a reference on the same pairs and questions, with paired standard errors."""
    both = heldout.paired([row for row in rows if math.isfinite(row.gain)], reference, f"questions of {key}")
    both = [(row, other) for row, other in both if row.questions == other.questions and math.isfinite(other.gain)]
    if not both:
        return {}
    gained, gained_error = ratio_and_error(
        [(row.gain - other.gain) * row.labels for row, other in both], [row.labels for row, _ in both]
    )
    right, right_error = mean_and_error([row.percent_right - other.percent_right for row, other in both])
    return {
        "instruction_gain_change": gained,
        "instruction_gain_change_error": gained_error,
        "question_selection_change": right,
        "question_selection_change_error": right_error,
    }
