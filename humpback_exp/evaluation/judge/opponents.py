"""Whose answers ours are compared with: those of another evaluation, or of AlpacaEval's `model_outputs.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from humpback_exp import artifacts, reasons
from humpback_exp.config import EvaluateConfig
from humpback_exp.evaluation.alpaca_eval.files import Output, read_outputs
from humpback_exp.evaluation.judge.verdicts import Comparison
from humpback_exp.records import Answer, Example, read


def read_opponents(config: EvaluateConfig, pairs: Sequence[Example]) -> dict[str, Answer]:
    """The reference's rows by id; none without a reference.

    Raises:
        ValueError: it is about other prompts, or holds no answers to judge against.
    """
    if config.reference is None:
        return {}
    there = _read_rows(config.reference, f"reference={config.reference}", config, pairs)
    asked = [there[pair.id] for pair in pairs[: config.judge.prompts]]
    if config.judge.asked and not any(row.answer for row in asked):
        raise ValueError(f"reference={config.reference}: holds no answers; evaluate it with judge.path= set, too")
    return there


def read_answers(config: EvaluateConfig, pairs: Sequence[Example]) -> list[Answer]:
    """Our own rows from `config.stored_answers`, with answers to the first `judge.prompts`.

    Raises:
        ValueError: it is about other prompts.
    """
    assert config.stored_answers is not None
    there = _read_rows(config.stored_answers, f"stored_answers={config.stored_answers}", config, pairs)
    rows = [replace(there[pair.id], human=pair.output, loss=0.0, labels=0) for pair in pairs]
    return [row if place < config.judge.prompts else replace(row, answer=None) for place, row in enumerate(rows)]


def _read_rows(path: str, given: str, config: EvaluateConfig, pairs: Sequence[Example]) -> dict[str, Answer]:
    """The rows by id of an evals folder, or of a `model_outputs.json`; it has all of our prompts, and may have more."""
    if Path(path).is_file():
        there = as_rows(read_outputs(Path(path)), pairs)
    else:
        there = {row.id: row for row in read(artifacts.require_input(path, "evals"), Answer)}
    missing = [pair for pair in pairs if pair.id not in there or there[pair.id].instruction != pair.instruction]
    if missing:
        raise ValueError(
            f"{given}: evaluated on other pairs than {config.heldout}: {len(missing)} of {len(pairs)} prompts are not in it "
            f"({missing[0].instruction[:60]!r}); evaluate it again on the same ones"
        )
    return there


def as_rows(outputs: Mapping[str, Output], pairs: Sequence[Example]) -> dict[str, Answer]:
    """Answers of a file as the rows of an evaluation, joined by instruction; one that is missing is dropped as empty."""
    found = [(pair, outputs[pair.instruction].output.strip()) for pair in pairs if pair.instruction in outputs]
    return {
        pair.id: Answer(
            id=pair.id,
            instruction=pair.instruction,
            human=pair.output,
            answer=text,
            loss=0.0,
            labels=0,
            dropped="" if text else reasons.EMPTY,
        )
        for pair, text in found
    }


def comparisons(rows: Sequence[Answer], there: Mapping[str, Answer]) -> list[Comparison]:
    """Our answers beside the opponent's, where both can be judged."""
    return [
        Comparison(row.id, row.instruction, row.answer or "", there[row.id].answer or "")
        for row in rows
        if row.id in there and can_be_judged(row) and can_be_judged(there[row.id])
    ]


def can_be_judged(row: Answer) -> bool:
    """Whether the answer can be judged."""
    return row.answer is not None and not row.dropped
