"""Draws README's figure of a finished loop, each model against the base: `python docs/report/draw.py outputs/demo`."""

import sys
from pathlib import Path

from humpback_exp.analysis import plots
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.measures import LOSS
from humpback_exp.analysis.pages.loop import ROWS, compared


def main() -> None:
    _, results = compared(sys.argv[1], read_catalog(sys.argv[1]))
    (figure,) = (one for one in plots.of_loop(results["references"], ROWS) if one.name.endswith(LOSS.key))
    Path(__file__).with_name("demo.svg").write_bytes(figure.svg)


if __name__ == "__main__":
    main()
