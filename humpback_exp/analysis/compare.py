"""Two or more evaluated models -> their settings where they differ, their figures, and the rows they disagree on most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.analysis.collect import Inventory, Run, collect
from humpback_exp.analysis.contrasts import Contrast, contrast
from humpback_exp.analysis.places import Place
from humpback_exp.analysis.points import Point, points_of
from humpback_exp.analysis.render import environment
from humpback_exp.analysis.results import display
from humpback_exp.analysis.sentences import said, tests
from humpback_exp.analysis.settings import Setting
from humpback_exp.records import Answer, Verdict, read

ROWS = 8
"""Rows shown by each kind of disagreement."""
LUCK = "Each model was trained once, so the luck of training is not in the intervals."


@dataclass(frozen=True, slots=True)
class Reply:
    """One model's side of a held-out row."""

    name: str
    text: str | None
    loss: float
    outcome: str
    """The judge's verdict against the reference; empty where none was asked."""
    preference: float | None
    """Mean probability the judge gives this answer over the reference's, of both orders."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A held-out row, and what each model makes of it."""

    instruction: str
    human: str
    replies: list[Reply]

    @property
    def losses(self) -> float:
        """Widest gap between two models' losses, in nats a token."""
        return _spread([reply.loss for reply in self.replies])

    @property
    def verdicts(self) -> float:
        """Widest gap between the judge's preferences; 0 where it was not asked of all."""
        preferences = [reply.preference for reply in self.replies if reply.preference is not None]
        decided = len({reply.outcome for reply in self.replies}) > 1
        return _spread(preferences) if decided and len(preferences) == len(self.replies) else 0.0


def build(output_root: str, names: Sequence[str]) -> str:
    """The page comparing the evaluations `names`; all others are compared with the first.

    Raises:
        ValueError: a name is no finished evaluation, the same one is named twice, or they share no held-out pair.
    """
    inventory = collect(output_root, loops=True)
    found = [_find(inventory, output_root, name) for name in names]
    twice = next((run.label for place, run in enumerate(found) if run in found[:place]), None)
    if twice:
        raise ValueError(f"runs={','.join(names)}: {twice} is named twice; a comparison needs different evaluations")
    sides = [_side(point) for point in points_of(inventory, found)]
    changes = [_against(side, sides[0], len(sides) - 1) for side in sides[1:]]
    rows = _rows(inventory, sides)
    page = environment().get_template("compare.html.jinja")
    return page.render(
        sides=sides,
        changes=changes,
        findings=[finding for change in changes for finding in said(change)],
        tests=tests(changes),
        comparisons=len(changes),
        caution=" ".join([LUCK, *dict.fromkeys(why for change in changes for why in change.left_out)]),
        differences=differences([side.points[0] for side in sides]),
        by_loss=[row for row in sorted(rows, key=lambda row: -row.losses) if row.losses > 0][:ROWS],
        by_verdict=[row for row in sorted(rows, key=lambda row: -row.verdicts) if row.verdicts > 0][:ROWS],
    )


def _find(inventory: Inventory, output_root: str, name: str) -> Run:
    """An evaluation by its name, its folder, or the folder of its model."""
    evaluations = inventory.of("evals")
    paths = [Path(name).resolve(), *((Path(output_root) / kind / name).resolve() for kind in ("evals", "models", "."))]
    for path in paths:
        for run in evaluations:
            if path in (run.folder.resolve(), Path(run.input_path("model_path") or "").resolve()):
                return run
    known = ", ".join(run.name for run in evaluations[:12]) or "none"
    more = f" and {len(evaluations) - 12} more" if len(evaluations) > 12 else ""
    raise ValueError(
        f"runs={name}: no finished evaluation of that name below output_root={output_root}; there are: {known}{more}"
    )


def _side(point: Point) -> Setting:
    return Setting(Place(display(point.evaluation.name), ()), [point], "")


def _against(side: Setting, first: Setting, comparisons: int) -> Contrast:
    """Changes from the first model, corrected for as many as the page makes."""
    there, here = (setting.points[0] for setting in (first, side))
    for point in (there, here):
        if not point.losses:
            label = point.evaluation.label
            raise ValueError(f"{label}: {point.inventory.damaged.get(label, 'holds no losses')}")
    if not here.losses.keys() & there.losses.keys():
        raise ValueError(
            f"{here.evaluation.label}: evaluated on other pairs than {there.evaluation.label}; "
            "evaluate both with the same heldout="
        )
    return contrast(side, first, comparisons)


def differences(points: Sequence[Point]) -> list[tuple[str, str, list[str]]]:
    """Kind of folder, key and values, of every setting and input in which the runs differ."""
    found = []
    for kind in ("evaluation", "model", "scored"):
        runs: list[Run | None] = [getattr(point, kind) for point in points]
        if None in runs and any(runs):
            found.append((kind, "folder", [run.label if run else "none" for run in runs]))
            continue
        facts = [_facts(run) for run in runs]
        for key in sorted(set().union(*facts)):
            values = [fact.get(key, "") for fact in facts]
            if len(set(values)) > 1:
                found.append((kind, key, values))
    return found


def _facts(run: Run | None) -> Mapping[str, str]:
    if run is None:
        return {}
    settings = {key: str(value) for key, value in run.manifest.config.items()}
    root = run.folder.as_posix().removesuffix(run.label)
    sources = {
        key: f"{value['path'].removeprefix(root)} ({value['fingerprint'][:8]})"
        for key, value in run.manifest.inputs.items()
    }
    return settings | sources


def _rows(inventory: Inventory, sides: Sequence[Setting]) -> list[Disagreement]:
    """The held-out rows all models saw."""
    read_in = [_replies(inventory, side) for side in sides]
    first = read_in[0]
    return [
        Disagreement(answer.instruction, answer.human, [own[row][1] for own in read_in])
        for row, (answer, _) in first.items()
        if all(row in own for own in read_in)
    ]


def _replies(inventory: Inventory, side: Setting) -> dict[str, tuple[Answer, Reply]]:
    run = side.points[0].evaluation

    def reader(run: Run) -> dict[str, tuple[Answer, Reply]]:
        verdicts: dict[str, Any] = {row.id: row for row in read(run.folder, Verdict, "verdicts")}
        return {
            row.id: (row, _reply(side.label, row, verdicts.get(row.id)))
            for row in read(run.folder, Answer)
            if row.labels
        }

    return inventory.try_read(run, reader) or {}


def _reply(name: str, row: Answer, verdict: Verdict | None) -> Reply:
    if verdict is None:
        return Reply(name, row.answer, row.loss, "", None)
    preference = (verdict.first_probability + verdict.second_probability) / 2
    return Reply(name, row.answer, row.loss, verdict.outcome, preference)


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values) if values else 0.0
