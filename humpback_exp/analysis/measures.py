"""By which figures models are compared, and what evaluations hold of each: held-out pair -> value and weight."""

import json
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf, isfinite

from humpback_exp.artifacts.catalog import Folder
from humpback_exp.config.measurements import FILES
from humpback_exp.evaluation.win_rate import POINTS
from humpback_exp.records import Answer, QuestionLosses, Verdict, parts, read, read_file

Row = tuple[float, float]
"""Value and weight: nats a token and labelled tokens, or percent and 1."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured on held-out pairs: in which unit, and which side is better."""

    key: str
    name: str
    unit: str
    better: int
    form: str
    bounds: tuple[float, float]
    even: float | None = None
    """What two equal models have; None where the figure needs no opponent."""
    held: str = ""
    """The further held-out set it is over; empty for `heldout`."""

    def on(self, held: str) -> "Measure":
        """The same on a further set."""
        return replace(self, key=f"{self.key}/{held}", held=held) if held else self

    @property
    def full_name(self) -> str:
        """With the set it is over."""
        return f"{self.name} on {self.held}" if self.held else self.name

    @property
    def label(self) -> str:
        """What a figure's axis or a table's column is headed by."""
        return f"{self.name}, {'%' if self.unit == 'points' else self.unit}"

    @property
    def label_of_change(self) -> str:
        return f"change of {self.name}, {self.unit}"


WIN = Measure("win_rate", "win rate", "points", 1, ".1f", (0.0, 100.0), even=50.0)
PREFERENCE = Measure("preference", "judge's preference", "points", 1, ".1f", (0.0, 100.0), even=50.0)
LOSS = Measure("heldout_loss", "held-out loss", "nats a token", -1, ".3f", (0.0, inf))
GAIN = Measure("instruction_gain", "instruction gain", "nats a token", 1, ".3f", (-inf, inf))
SELECTION = Measure("question_selection", "question selection", "points", 1, ".1f", (0.0, 100.0))
MEASURES = (WIN, LOSS, GAIN, SELECTION)
"""By which models are compared, on every set on which they were taken."""


@dataclass(slots=True, kw_only=True)
class _Pair:
    """The columns of an Answer that say which pair it is of."""

    id: str
    instruction: str
    human: str


@dataclass(slots=True, kw_only=True)
class _Loss(_Pair):
    """The columns that a mean needs, too."""

    loss: float
    labels: int


def pair_key(row: _Pair | Answer) -> str:
    """What a pair is known by in every evaluation: its id and its texts, for rows without an id are numbered in any file."""
    texts = json.dumps([row.instruction, row.human])
    return f"{row.id}\n{blake2b(texts.encode(), digest_size=8).hexdigest()}"


def _keys(folder: Folder, held: str) -> dict[str, str]:
    """Id -> key of the pairs of a set."""
    paths = [one for one in parts(folder.path, "heldout_sets") if one.stem == held] if held else parts(folder.path)
    return {row.id: pair_key(row) for path in paths for row in read_file(path, _Pair)}


def losses(folder: Folder) -> dict[str, dict[str, Row]]:
    """On `heldout`, then on the further sets."""
    files = [("", path) for path in parts(folder.path)]
    files += [(one.stem, one) for one in parts(folder.path, "heldout_sets")]
    found: dict[str, dict[str, Row]] = {}
    for held, path in files:
        rows = [row for row in read_file(path, _Loss) if row.labels and isfinite(row.loss)]
        own = {pair_key(row): (row.loss, float(row.labels)) for row in rows}
        found.setdefault(LOSS.on(held).key, {}).update(own)
    return found


def question_losses(folder: Folder) -> dict[str, dict[str, Row]]:
    """The same pair beside other questions is another row."""
    found: dict[str, dict[str, Row]] = {}
    for path in parts(folder.path, FILES["question_selection"]):
        held = "" if path.stem == "heldout" else path.stem
        known, keys = [row for row in read_file(path, QuestionLosses) if isfinite(row.gain)], _keys(folder, held)
        ids = ["\n".join([keys.get(row.id, row.id), *row.questions]) for row in known]
        gains = [(row.gain, float(row.labels)) for row in known]
        right = [(row.percent_right, 1.0) for row in known]
        found[GAIN.on(held).key] = dict(zip(ids, gains, strict=True))
        found[SELECTION.on(held).key] = dict(zip(ids, right, strict=True))
    return found


def verdicts(folder: Folder) -> dict[str, dict[str, Row]]:
    rows, keys = list(read(folder.path, Verdict, "verdicts")), _keys(folder, "")
    return {
        WIN.key: {keys.get(row.id, row.id): (100 * POINTS[row.outcome], 1.0) for row in rows},
        PREFERENCE.key: {keys.get(row.id, row.id): (100 * row.preference, 1.0) for row in rows},
    }
