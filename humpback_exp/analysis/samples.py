"""Rows worth reading: instructions that were dropped, and what each model answered to the same held-out prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.analysis.collect import Inventory, Run
from humpback_exp.analysis.results import Result, answers
from humpback_exp.records import Candidate, Verdict, parts, read, read_file

FILES = 8
"""Files looked through for dropped rows; a corpus has thousands."""
PER_REASON = 2
PROMPTS = 4
MODELS = 6
"""Answers shown side by side."""


@dataclass(slots=True)
class Reply:
    """What one model answered."""

    name: str
    text: str
    loss: float
    outcome: str
    """win, loss or tie against the reference; empty where it was not compared."""


@dataclass(slots=True)
class Prompt:
    """A held-out prompt, the human's answer, and each model's."""

    instruction: str
    human: str
    replies: list[Reply]


def dropped(inventory: Inventory, runs: Sequence[Run]) -> list[Candidate]:
    """A few dropped instructions of every reason, from the first files of each candidates folder."""
    found: dict[str, list[Candidate]] = {}
    for run in runs:
        for row in inventory.try_read(run, _dropped) or []:
            found.setdefault(row.dropped, []).append(row)
    return [row for reason in sorted(found) for row in found[reason][:PER_REASON]]


def _dropped(run: Run) -> list[Candidate]:
    return [row for path in parts(run.folder)[:FILES] for row in read_file(path, Candidate) if row.dropped]


def prompts(inventory: Inventory, evaluated: Sequence[Result]) -> list[Prompt]:
    """The first held-out prompts that every shown model answered, with all answers; variants only where there is room."""
    loop_first = sorted(evaluated, key=lambda result: "-" in result.run.name)
    rows = [(result, answers(inventory, result.run)) for result in loop_first[:MODELS]]
    rows = [(result, own) for result, own in rows if any(row.answer is not None for row in own.values())]
    if not rows:
        return []
    shared = [i for i in rows[0][1] if all(i in own and own[i].answer is not None for _, own in rows)]
    outcomes = {result.name: _outcomes(inventory, result) for result, _ in rows}
    return [
        Prompt(
            rows[0][1][i].instruction,
            rows[0][1][i].human,
            [Reply(r.name, own[i].answer or "", own[i].loss, outcomes[r.name].get(i, "")) for r, own in rows],
        )
        for i in shared[:PROMPTS]
    ]


def _outcomes(inventory: Inventory, result: Result) -> dict[str, str]:
    def reader(run: Run) -> dict[str, str]:
        return {row.id: row.outcome for row in read(run.folder, Verdict, "verdicts")}

    return inventory.try_read(result.run, reader) or {}
