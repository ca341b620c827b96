"""A row for every held-out pair: its loss and the model's own answer, each taken once and kept for all measurements."""

from dataclasses import replace

from humpback_exp import reasons
from humpback_exp.completions import Completion
from humpback_exp.config import EvaluateConfig
from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.judge.opponents import read_answers
from humpback_exp.evaluation.measurement import Evaluation
from humpback_exp.progress import bar, counting
from humpback_exp.records import Answer, read, write


def answered(evaluation: Evaluation) -> list[Answer]:
    """A row for every held-out pair, kept in `data/`: with its loss where the loss is measured, with answers to the first
    `judge.prompts` where they are judged. What an earlier measurement left out is added.
    """
    config, pairs, path = evaluation.config, evaluation.pairs, evaluation.folder / "data" / "00000.parquet"
    if config.stored_answers and not path.exists():
        write(path, Answer, read_answers(config, pairs))
    there = list(read(evaluation.folder, Answer)) if path.exists() else [heldout.unmeasured(pair) for pair in pairs]
    loses = (
        "heldout" in config.measurements and any(row.human for row in there) and not any(row.labels for row in there)
    )
    writes = "judge" in config.measurements and not any(row.answer is not None for row in there)
    if not (loses or writes):
        return there
    asked = pairs[: config.judge.prompts] if writes else []
    with bar(len(pairs) * loses + len(asked), f"evaluate {config.name}") as progress:
        count = counting(progress)
        if loses:
            losses = heldout.losses(evaluation.engine, pairs, config.tags, count)
            there = [heldout.with_loss(row, *loss) for row, loss in zip(there, losses, strict=True)]
        if writes:
            engine, sampling = evaluation.engine, config.generation
            completions = heldout.answers(engine, asked, config.tags, sampling, config.seed, count)
            answers = [with_answer(row, each, config) for row, each in zip(there, completions, strict=False)]
            there = [*answers, *there[len(answers) :]]
    write(path, Answer, there)
    return list(read(evaluation.folder, Answer))


def with_answer(row: Answer, completion: Completion, config: EvaluateConfig) -> Answer:
    """The row with the model's own answer, and why it is not to be judged."""
    dropped = completion.unusable or ("" if completion.answer else reasons.EMPTY)
    if config.generation.unfinished == "drop":
        dropped = dropped or completion.unfinished
    return replace(row, answer=completion.answer, dropped=dropped)
