"""The study's main comparisons, paired over pairs and seeds, and its figures.

python docs/study/compare.py outputs/study [FOLDER for the figures]; outputs/study-gemma has its own loop
"""

import re
import sys
from pathlib import Path

from humpback_exp.analysis.comparisons import Comparison, compare
from humpback_exp.analysis.evaluations import Evaluation, evaluations
from humpback_exp.analysis.figure import Figure
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.interval_plots import Mark, panel
from humpback_exp.analysis.measures import GAIN, LOSS, SELECTION, Measure
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.settings import Setting
from humpback_exp.progress import table

MODEL = re.compile(r"(?:iterations-s\d+/)?evals/(?!lr)(.+?)(?:-s\d+)?(-asked-\w+)?")
"""A model and how it is asked; learning rates are measured on another set."""
RANDOM = "size-230-aNone"
ROWS = {"m0": "M0, the seed", "m1": "M1, A_4", RANDOM: "as many random pairs", "m2": "M2, A_4 by M1"}
"""Of the figures."""
SECOND = f"{RANDOM}-second"
"""A second draw of random pairs of the first loop, trained on in another order."""
SCORERS = (
    *("m0-both", "m0-backward", "m0-backward-second", "m0-contrast", "m0-forward_contrast", "m0-expected"),
    *("m0-additive", "m0-instruction_only", "m0-instruction_only-second"),
    *("probe", "whole", "whole-second", "longest", "tasks", "agreed"),
)
TAGS = (
    *(("True-asked-both", "False-asked-none"), ("True-asked-both", "True-asked-seed")),
    *(("True-asked-none", "False-asked-none"), ("True-asked-none", "True-asked-both")),
    *(("True-asked-both", "False-asked-both"), ("False-asked-both", "False-asked-none")),
)
COMPARED = (
    *(("m0", "base"), ("m1", "m0"), ("m2", "m1"), ("m1", RANDOM)),
    *((f"rated-{scorer}", other) for scorer in SCORERS for other in ("m1", RANDOM, SECOND)),
    *(("m1", SECOND), (SECOND, RANDOM), ("rated-m0-backward-second", "rated-m0-backward")),
    *(("rated-whole-second", "rated-whole"), ("rated-m0-instruction_only-second", "rated-m0-instruction_only")),
    ("rated-agreed", "rated-m0-instruction_only"),
    *((f"size-{pairs}-a4.0", f"size-{pairs}-aNone") for pairs in (60, 120)),
    *((RANDOM, "size-60-aNone"), ("size-480-aNone", RANDOM), ("m1", "size-60-a4.0")),
    *(("size-120-a4.0", "size-60-aNone"), ("m1", "size-120-aNone"), ("m1", "size-480-aNone")),
    *(("seed-45steps", "m0"), ("m1", "seed-45steps")),
    ("m1-rewrite", "m1"),
    *(("mixture-augmented-n115", "m0"), ("mixture-augmented-n230", "size-120-a4.0"), ("mixture-augmented-n230", "m1")),
    *((f"tagged-{ours}", f"tagged-{theirs}") for ours, theirs in TAGS),
    *(("efficiency-n120", "efficiency-n30"), ("efficiency-n120", "efficiency-n60"), ("efficiency-n120", "m0")),
    *(("selector-m0-n50", "selector-given-n50"), ("selector-m1-n50", "selector-m0-n50")),  # of outputs/study-labelled
    *(("m1", "size-235-aNone"), ("m1", "size-237-aNone")),  # of outputs/study-crawl and outputs/study-gemma
)
SIZES = {
    "A_4": {60: "size-60-a4.0", 120: "size-120-a4.0", 235: "m1"},
    "random pairs": {60: "size-60-aNone", 120: "size-120-aNone", 230: RANDOM, 480: "size-480-aNone"},
}
"""Series -> number of web pairs -> model."""


def main() -> None:
    runs: dict[str, list[Evaluation]] = {}
    for run in evaluations(read_catalog(sys.argv[1], loops=True)):
        if found := MODEL.fullmatch(run.folder.label):
            runs.setdefault(found[1] + (found[2] or ""), []).append(run)
    sides = {name: Setting(Place(name, ()), found) for name, found in runs.items()}
    made = [on_shared_seeds(sides[ours], sides[theirs]) for ours, theirs in COMPARED if {ours, theirs} <= sides.keys()]
    print(table([_line(name, one) for name, one in sides.items()]))
    print("\n" + table([line for one in made for line in _changes(one)], "+.4f"))
    for measure in (LOSS, SELECTION, GAIN) if len(sys.argv) > 2 else ():
        draw(measure, sides, Path(sys.argv[2]))


def on_shared_seeds(ours: Setting, theirs: Setting) -> Comparison:
    """What changes over the seeds that both sides were measured for; a second training is of the first seed's loop."""
    sides = [{0 if side.label.endswith("-second") else run.seed: run for run in side.runs} for side in (ours, theirs)]
    assert [len(runs) for runs in sides] == [len(ours.runs), len(theirs.runs)], "two runs of a seed"
    shared = sorted(sides[0].keys() & sides[1].keys())
    kept = [[runs[seed] for seed in shared] for runs in sides]
    return compare(Setting(ours.place, kept[0]), Setting(theirs.place, kept[1]))


def draw(measure: Measure, sides: dict[str, Setting], folder: Path) -> None:
    """The change of each model against the base, with a dot for every seed, and against M0 over the number of web pairs."""
    rows = {label: [_mark(None, measure, sides[name], sides["base"])] for name, label in ROWS.items() if name in sides}
    curves = {
        series: [_mark(pairs, measure, sides[name], sides["m0"]) for pairs, name in sizes.items() if name in sides]
        for series, sizes in SIZES.items()
    }
    _write(folder / f"{measure.key}.svg", panel(measure.key, "Against the base", measure.label_of_change, "", rows, 0))
    x, y = "web pairs beside the seed's 120", f"{measure.label_of_change} to M0"
    _write(folder / f"{measure.key}_by_pairs.svg", panel(f"{measure.key}_by_pairs", "Against M0", y, x, curves))


def _mark(pairs: int | None, measure: Measure, ours: Setting, theirs: Setting) -> Mark:
    one = on_shared_seeds(ours, theirs)
    change = one.changes[measure.key]
    dots = tuple(mine - other for mine, other in zip(one.ours.means(measure), one.theirs.means(measure), strict=True))
    return Mark(pairs, change.interval.value, *change.interval.ends, dots, change.side)


def _write(path: Path, figure: Figure | None) -> None:
    assert figure is not None
    path.write_bytes(figure.svg)


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
