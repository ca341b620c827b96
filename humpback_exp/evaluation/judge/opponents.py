"""Whose answers ours are compared with: those of another evaluation, or of AlpacaEval's `model_outputs.json`."""

from collections.abc import Mapping, Sequence
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
    if Path(config.reference).is_file():
        there = as_rows(read_outputs(Path(config.reference)), pairs)
    else:
        there = {row.id: row for row in read(artifacts.require_input(config.reference, "evals"), Answer)}
    _require_same_prompts(config, pairs, there)
    asked = [there[pair.id] for pair in pairs[: config.judge.prompts]]
    if "judge" in config.measurements and not any(row.answer for row in asked):
        raise ValueError(f"reference={config.reference}: holds no answers; evaluate it with judge.path= set, too")
    return there


def as_rows(outputs: Mapping[str, Output], pairs: Sequence[Example]) -> dict[str, Answer]:
    """Answers of a file as the rows of an evaluation, joined by instruction; a missing one is dropped as empty."""
    found = [(pair, outputs.get(pair.instruction)) for pair in pairs]
    return {
        pair.id: Answer(
            id=pair.id,
            instruction=pair.instruction,
            human=pair.output,
            answer=output.output.strip() if output else "",
            loss=0.0,
            labels=0,
            dropped="" if output else reasons.EMPTY,
        )
        for pair, output in found
    }


def _require_same_prompts(config: EvaluateConfig, pairs: Sequence[Example], there: Mapping[str, Answer]) -> None:
    """Raise unless the reference has every one of our prompts; it may have more."""
    missing = [pair for pair in pairs if pair.id not in there or there[pair.id].instruction != pair.instruction]
    if missing:
        raise ValueError(
            f"reference={config.reference}: evaluated on other pairs than {config.heldout}: {len(missing)} of {len(pairs)} "
            f"prompts are not in it ({missing[0].instruction[:60]!r}); evaluate it again on the same ones"
        )


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
