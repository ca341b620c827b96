"""The study's main comparisons, paired over pairs and seeds, and its figures.

python docs/study/compare.py outputs/study [FOLDER for the figures]
"""

import re
import sys
from pathlib import Path

from humpback_exp.analysis.comparisons import Comparison, compare
from humpback_exp.analysis.evaluations import Evaluation, evaluations
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.interval_plots import Mark, panel
from humpback_exp.analysis.measures import GAIN, LOSS, SELECTION, Measure
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.settings import Setting
from humpback_exp.progress import table

MODEL = re.compile(r"(?:iterations-s\d+/evals/(base|m\d)|evals/(size-230-aNone)-s\d+)$")
RANDOM = "size-230-aNone"
ROWS = {"m0": "M0, the seed", "m1": "M1, A_4", RANDOM: "as many random pairs", "m2": "M2, A_4 by M1"}
"""Of the figures."""
COMPARED = (("m0", "base"), ("m1", "m0"), ("m2", "m1"), ("m1", RANDOM))


def main() -> None:
    runs: dict[str, list[Evaluation]] = {}
    for run in evaluations(read_catalog(sys.argv[1], loops=True)):
        if found := MODEL.search(run.folder.label):
            runs.setdefault(found[1] or found[2], []).append(run)
    sides = {name: Setting(Place(name, ()), found) for name, found in runs.items()}
    made = [on_shared_seeds(sides[ours], sides[theirs]) for ours, theirs in COMPARED if {ours, theirs} <= sides.keys()]
    print(table([_line(name, one) for name, one in sides.items()]))
    print("\n" + table([line for one in made for line in _changes(one)], "+.4f"))
    against_base = {ROWS[name]: on_shared_seeds(sides[name], sides["base"]) for name in ROWS if name in sides}
    for measure in (LOSS, SELECTION, GAIN) if len(sys.argv) > 2 else ():
        draw(measure, against_base, Path(sys.argv[2]))


def on_shared_seeds(ours: Setting, theirs: Setting) -> Comparison:
    """What changes over the seeds that both sides were measured for."""
    seeds = {run.seed for run in ours.runs} & {run.seed for run in theirs.runs}
    kept = (Setting(side.place, [run for run in side.runs if run.seed in seeds]) for side in (ours, theirs))
    return compare(*kept)


def draw(measure: Measure, against_base: dict[str, Comparison], folder: Path) -> None:
    """The change of each model against the base, with a dot for every seed."""
    lines = {}
    for label, one in against_base.items():
        change = one.changes[measure.key]
        base = one.theirs.means(measure)[0]  # one model, measured in every loop
        dots = tuple(mean - base for mean in one.ours.means(measure))
        lines[label] = [Mark(None, change.interval.value, *change.interval.ends, dots, change.side)]
    figure = panel(measure.key, "Against the base", measure.label_of_change, "", lines, zero=0)
    assert figure is not None
    (folder / f"{measure.key}.svg").write_bytes(figure.svg)


def _line(name: str, side: Setting) -> dict[str, object]:
    return {"model": name, "seeds": len(side.runs)} | {key: one.value for key, one in side.figures.items()}


def _changes(one: Comparison) -> list[dict[str, object]]:
    names = {"ours": one.ours.label, "theirs": one.theirs.label}
    return [
        names
        | {"measure": change.measure.full_name, "change": change.interval.value}
        | {"from": change.interval.low, "to": change.interval.high, "p": change.interval.p}
        for change in one.changes.values()
    ]


if __name__ == "__main__":
    main()
