"""The study's main comparisons, paired over pairs and seeds: `python docs/study/compare.py outputs/study`."""

import re
import sys

from humpback_exp.analysis.comparisons import Comparison, compare
from humpback_exp.analysis.evaluations import Evaluation, evaluations
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.settings import Setting
from humpback_exp.progress import table

MODEL = re.compile(r"(?:iterations-s\d+/evals/(base|m\d)|evals/(size-230-aNone)-s\d+)$")
RANDOM = "size-230-aNone"
COMPARED = (("m0", "base"), ("m1", "m0"), ("m2", "m1"), ("m1", RANDOM))


def main() -> None:
    runs: dict[str, list[Evaluation]] = {}
    for run in evaluations(read_catalog(sys.argv[1], loops=True)):
        if found := MODEL.search(run.folder.label):
            runs.setdefault(found[1] or found[2], []).append(run)
    sides = {name: Setting(Place(name, ()), found) for name, found in runs.items()}
    made = [compare(sides[ours], sides[theirs]) for ours, theirs in COMPARED if {ours, theirs} <= sides.keys()]
    print(table([_line(name, one) for name, one in sides.items()]))
    print("\n" + table([line for one in made for line in _changes(one)]))


def _line(name: str, side: Setting) -> dict[str, object]:
    return {"model": name, "seeds": len(side.runs)} | {key: f"{one.value:.4f}" for key, one in side.figures.items()}


def _changes(one: Comparison) -> list[dict[str, object]]:
    names = {"ours": one.ours.label, "theirs": one.theirs.label}
    return [
        names
        | {"measure": change.measure.full_name, "change": f"{change.interval.value:+.4f}"}
        | {"from": f"{change.interval.low:+.4f}", "to": f"{change.interval.high:+.4f}", "p": f"{change.interval.p:.4f}"}
        for change in one.changes.values()
    ]


if __name__ == "__main__":
    main()
