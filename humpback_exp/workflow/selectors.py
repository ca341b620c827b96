"""What `report.py labelled=FILE` prints and draws: how well each scored folder selects the pairs that people call good."""

import math
from pathlib import Path

from humpback_exp.artifacts.walk import walk
from humpback_exp.evaluation.selectors import Cut, Scored, Selector, measure, read_labelled
from humpback_exp.progress import table
from humpback_exp.records import read


def selectors(output_root: str, labelled: Path, good: float, drawing: Path) -> None:
    """Print precision, recall and AUC of every scored folder with 95 % intervals, and write their curves as SVG.

    Raises:
        ValueError: no scored folder below `output_root` holds any of the labelled pairs.
    """
    from humpback_exp.analysis.selector_curves import selector_curves

    pairs = read_labelled(labelled)
    folders = walk(output_root, loops=True).of("scored")
    measured = [measure(one.label, read(one.path, Scored), pairs, good) for one in folders]
    found = [one for one in measured if one is not None]
    if not found:
        raise ValueError(
            f"labelled={labelled}: none of its {len(pairs)} pairs is in a scored folder below {output_root}; "
            "score the candidates that were labelled"
        )
    print(f"\n{labelled}: pairs with a label of {good:g} or more are good; 95 % intervals in brackets\n")
    best = max(found, key=lambda one: (not math.isnan(one.area), one.area))
    print(table([_line(one, best) for one in found]))
    print("\n" + table([_at(one.name, cut) for one in found for cut in one.table], ".2f"))
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_bytes(selector_curves(found).svg)
    print(f"\ncurves: {drawing}")


def _line(one: Selector, best: Selector) -> dict[str, object]:
    good = one.curve[-1].good if one.curve else one.table[0].good
    line = {"scored": one.name, "pairs": one.pairs, "good": good, "no score": one.unscored}
    less, ends = one.above(best)
    paired = None if one is best or math.isnan(less) else _within(less, ends, "+.3f")
    return line | {"AUC": _within(one.area, one.area_ends, ".3f"), "less the best's, paired": paired}


def _within(value: float, ends: tuple[float, float], form: str) -> str:
    return f"{value:{form}} ({ends[0]:{form}} to {ends[1]:{form}})"


def _at(name: str, cut: Cut) -> dict[str, object]:
    precision = _within(cut.precision, cut.precision_ends, ".2f") if cut.picked else None
    recall = _within(cut.recall, cut.recall_ends, ".2f")
    return {"scored": name, "from": cut.threshold, "picked": cut.picked, "precision": precision, "recall": recall}
