"""AlpacaEval's files in an evaluation's folder: verdicts from a judge elsewhere are read, our answers and verdicts written."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from humpback_exp.config import EvaluateConfig
from humpback_exp.evaluation.alpaca_eval.files import Annotation, Output, read_annotations, read_outputs, write_rows
from humpback_exp.evaluation.judge.opponents import can_be_judged
from humpback_exp.evaluation.judge.verdicts import Comparison, outcome_of
from humpback_exp.evaluation.leaderboard import opponent_name
from humpback_exp.records import Answer, Verdict


def verdicts_elsewhere(path: str, compared: Sequence[Comparison]) -> list[Verdict]:
    """The verdicts of a file about these very answers; a null verdict is none.

    Raises:
        ValueError: it is about other answers.
    """
    there = {each.instruction.strip(): each for each in read_annotations(Path(path))}
    found = [(one, there.get(one.instruction)) for one in compared]
    foreign = [one for one, each in found if each is None or not _about(each, one)]
    if foreign:
        raise ValueError(
            f"judge.annotations={path}: {len(foreign)} of {len(compared)} comparisons are not in it with these answers "
            f"({foreign[0].instruction[:60]!r}); output_1 must be the reference's answer and output_2 ours"
        )
    shares = [(one.id, each.share) for one, each in found if each and each.share is not None]
    return [
        Verdict(id=name, first_probability=math.nan, second_probability=share, outcome=outcome_of(share))
        for name, share in shares
    ]


def _about(annotation: Annotation, one: Comparison) -> bool:
    return (annotation.output_1.strip(), annotation.output_2.strip()) == (one.theirs.strip(), one.ours.strip())


def spelling(config: EvaluateConfig) -> Callable[[str], Output]:
    """Instruction -> the row of AlpacaEval's file that asks it, whose spelling and data set our files keep; without such a
    file a row of the instruction as it is."""
    paths = [path for path in (config.reference, config.heldout) if path and path.endswith(".json")]
    known = next((read_outputs(Path(path)) for path in paths if Path(path).is_file()), {})
    return lambda instruction: known.get(instruction) or Output(instruction, "", "", "")


def write_outputs(folder: Path, config: EvaluateConfig, rows: Sequence[Answer]) -> None:
    """`model_outputs.json`: our answers, to be judged by AlpacaEval or anyone; those that are not whole are left out,
    and of a prompt that stands twice the first is kept."""
    known = spelling(config)
    whole = {row.instruction: row.answer or "" for row in reversed(rows) if can_be_judged(row)}
    outputs = [replace(known(text), output=answer, generator=config.name) for text, answer in reversed(whole.items())]
    write_rows(folder / "model_outputs.json", outputs)


def write_annotations(
    folder: Path, config: EvaluateConfig, compared: Sequence[Comparison], verdicts: Sequence[Verdict]
) -> None:
    """`annotations.json`: our verdicts, weighted as the judge weighs, null where it gave none;
    of a prompt that stands twice the first."""
    known, shares = spelling(config), {verdict.id: verdict.preference for verdict in verdicts}
    annotations = [
        Annotation(
            instruction=known(one.instruction).instruction,
            output_1=one.theirs,
            output_2=one.ours,
            dataset=known(one.instruction).dataset,
            preference=1 + shares[one.id] if one.id in shares else None,
            generator_1=opponent_name(str(config.reference)),
            generator_2=config.name,
            annotator=str(config.judge.path or "elsewhere"),
        )
        for one in {one.instruction: one for one in reversed(compared)}.values()
    ]
    write_rows(folder / "annotations.json", annotations[::-1])
