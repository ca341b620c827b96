"""evals folders -> figures with their errors, and which models differ by more than chance.

An evaluation's manifest compares it with its reference only; M1 against M0 is worked out here from the losses of both on
the same held-out pairs, since the paired error is far smaller than that of two separate losses.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.analysis.collect import Inventory, Run
from humpback_exp.evaluation.heldout import difference
from humpback_exp.records import Answer, read

ERRORS = 2.0
"""Standard errors a figure must lie away from no effect before the page calls it one."""
FEWEST = 10
"""Below so many pairs or prompts a standard error is itself too uncertain to carry a claim."""
SERIES = re.compile(r"m\d+")
"""Names of the loop's models."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its standard error, and over how many pairs or prompts."""

    value: float
    error: float
    """nan where it cannot be known."""
    count: int

    def side(self, neutral: float) -> int:
        """1 above `neutral` and -1 below it by more than `ERRORS` standard errors; 0 where the error carries neither."""
        known = self.count >= FEWEST and self.error > 0
        distance = self.value - neutral
        return int(math.copysign(1, distance)) if known and abs(distance) > ERRORS * self.error else 0


@dataclass(frozen=True, slots=True)
class Contrast:
    """Change of the held-out loss from one model to another, in nats a token; below 0 the first is better."""

    ours: str
    theirs: str
    change: Estimate


@dataclass(slots=True)
class Result:
    """One evaluation as the page shows it; what was not measured is None."""

    run: Run
    name: str
    loss: Estimate | None
    change: Estimate | None
    win: Estimate | None
    preference: Estimate | None
    reference: str
    judge: str
    """Path of the model that compared the answers."""
    opponent: str
    """Path of the reference's model."""
    gate: Run | None
    """How the model told good pairs from spoilt ones, where it was asked to; the last scorer's where there are several."""

    def figure(self, key: str) -> float | None:
        return self.run.metric(key)

    def gated(self, key: str) -> float | None:
        """A figure of the gate."""
        return self.gate.metric(key) if self.gate else None

    def area(self, kind: str) -> Estimate | None:
        """Area under the curve of good pairs against those spoilt in one way."""
        return _estimate(self.gate, f"auc_{kind}", self.gate.rows("pairs")) if self.gate else None

    @property
    def tally(self) -> tuple[int, int, int] | None:
        """Wins, ties and losses."""
        counts = [self.run.metric(key) for key in ("wins", "ties", "losses")]
        wins, ties, losses = (int(count or 0) for count in counts)
        return None if self.win is None or None in counts else (wins, ties, losses)


def results(inventory: Inventory) -> list[Result]:
    """Every evaluation, in the inventory's order, with the newest gate of its model."""
    runs = inventory.of("evals")
    models = {run.manifest.fingerprint: run.input_path("model_path") or "" for run in runs}
    newest_last = sorted(inventory.of("gates"), key=lambda run: run.manifest.finished_at)
    gates = {run.input_fingerprint("model_path"): run for run in newest_last}
    return [_result(run, models, gates.get(run.input_fingerprint("model_path"))) for run in runs]


def display(name: str) -> str:
    """`m1` as the paper writes it, M1; other names as they are."""
    return name.upper() if SERIES.fullmatch(name) else name


def _result(run: Run, models: dict[str, str], gate: Run | None) -> Result:
    pairs, prompts = (int(run.metric(key) or 0) for key in ("heldout_pairs", "prompts"))
    return Result(
        run=run,
        name=display(run.name),
        loss=_estimate(run, "heldout_loss", pairs),
        change=_estimate(run, "heldout_change", pairs),
        win=_estimate(run, "win_rate", prompts),
        preference=_estimate(run, "preference", prompts),
        reference=display(Path(run.input_path("reference") or "").name),
        judge=run.input_path("judge.path") or "",
        opponent=models.get(run.input_fingerprint("reference") or "", ""),
        gate=gate,
    )


def _estimate(run: Run, key: str, count: int) -> Estimate | None:
    value, error = run.metric(key), run.metric(f"{key}_error")
    return None if value is None else Estimate(value, math.nan if error is None else error, count)


def answers(inventory: Inventory, run: Run) -> dict[str, Answer]:
    """Held-out rows of an evaluation by id."""
    return inventory.try_read(run, lambda run: {row.id: row for row in read(run.folder, Answer)}) or {}


def contrasts(inventory: Inventory, evaluated: Sequence[Result]) -> list[Contrast]:
    """Each variant against its model, each of M1, M2 ... against the one before, and the last against M0, on the same pairs."""
    series = [result for result in evaluated if SERIES.fullmatch(result.run.name)]
    pairs = [
        (varied, plain) for plain in series for varied in evaluated if varied.run.name.startswith(f"{plain.run.name}-")
    ]
    pairs += zip(series[1:], series, strict=False)
    if len(series) > 2:
        pairs.append((series[-1], series[0]))
    found = [_contrast(inventory, ours, theirs) for ours, theirs in pairs]
    return [contrast for contrast in found if contrast is not None]


def beside(inventory: Inventory, evaluated: Sequence[Result], name: str = "m1") -> dict[str, Estimate]:
    """Label of each model but base and M0 -> the paired change of its held-out loss from the model `name`.

    Variants of M1 (docs/beyond.md) are trained on as many pairs as it, so this is what sets them apart.
    """
    plain = next((result for result in evaluated if result.run.name == name), None)
    if plain is None:
        return {}
    others = (result for result in evaluated if result.run.name not in ("base", "m0", name))
    found = {result.run.label: _contrast(inventory, result, plain) for result in others}
    return {label: contrast.change for label, contrast in found.items() if contrast is not None}


def _contrast(inventory: Inventory, ours: Result, theirs: Result) -> Contrast | None:
    if _measured_on(ours.run) != _measured_on(theirs.run):
        return None
    rows, others = answers(inventory, ours.run), answers(inventory, theirs.run)
    both = sum(1 for row in rows.values() if row.labels and row.id in others)
    if not both:
        return None
    figures = difference(list(rows.values()), others)
    change = Estimate(figures["heldout_change"], figures["heldout_change_error"], both)
    return Contrast(ours.name, theirs.name, change)


def _measured_on(run: Run) -> tuple[object, ...]:
    config = run.manifest.config
    return run.input_fingerprint("heldout"), config.get("tags")
