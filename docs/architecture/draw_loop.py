"""Draws `loop.svg`, the picture of docs/architecture.md: `python docs/architecture/draw_loop.py`."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch  # noqa: E402

INPUT, FOLDER, MODEL = "#f2efe6", "#e3eef8", "#e4f3e4"
BOXES = {
    "pages": (0.0, 3.0, "pages\nHTML, WARC", INPUT),
    "seed": (0.0, 1.0, "seed\nhuman pairs", INPUT),
    "segments": (3.2, 3.0, "segments/web", FOLDER),
    "backward": (3.2, 2.0, "models/backward", MODEL),
    "m0": (3.2, 0.0, "models/m0", MODEL),
    "candidates": (6.4, 2.5, "candidates/web", FOLDER),
    "scored": (9.4, 2.5, "scored/m(t-1)", FOLDER),
    "curated": (12.8, 3.4, "curated/m(t-1)-a4.5", FOLDER),
    "next": (12.8, 1.6, "models/m(t)", MODEL),
    "evals": (12.8, 0.0, "evals/m(t)", FOLDER),
}
"""Name -> left edge, middle, text, colour."""
ARROWS = [
    ("pages", "segments", "segment.py", (0, 0.15)),
    ("seed", "backward", "train.py, reversed", (0, 0)),
    ("seed", "m0", "train.py", (0, 0)),
    ("segments", "candidates", "augment.py", (0, 0)),
    ("backward", "candidates", "writes instructions", (0.75, -0.42)),
    ("candidates", "scored", "gate.py,\ncurate.py", (0, 0.26)),
    ("m0", "scored", "rates in round t = 1", (0, 0)),
    ("scored", "curated", "kept pairs,\nto publish", (0, 0.05)),
    ("scored", "next", "train.py: seed\nand kept pairs", (0.15, 0.05)),
    ("next", "evals", "evaluate.py", (0, 0)),
]
"""From, to, command, and where its name stands beside the middle of the arrow."""
WIDTH, HEIGHT = 1.9, 0.62


def main() -> None:
    plt.rcParams |= {"svg.hashsalt": "loop", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
    figure, axes = plt.subplots(figsize=(13, 4.2))
    for left, middle, text, colour in BOXES.values():
        shape = FancyBboxPatch(
            (left, middle - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            fc=colour,
            ec="#556",
        )
        axes.add_patch(shape)
        axes.text(left + WIDTH / 2, middle, text, ha="center", va="center")
    for start, end, command, (dx, dy) in ARROWS:
        draw_arrow(axes, start, end, command, dx, dy)
    back = FancyArrowPatch(
        (12.75, 1.45), (10.3, 2.15), connectionstyle="arc3,rad=-0.3", arrowstyle="->", mutation_scale=12, color="#a33"
    )
    axes.add_patch(back)
    axes.text(10.9, 1.3, "rates in round t + 1", ha="center", va="center", color="#a33")
    axes.set(xlim=(-0.1, 14.9), ylim=(-0.5, 3.9))
    axes.axis("off")
    figure.savefig(Path(__file__).with_name("loop.svg"), metadata={"Date": None}, bbox_inches="tight")


def draw_arrow(axes: plt.Axes, start: str, end: str, command: str, dx: float, dy: float) -> None:
    """An arrow between two boxes: from right edge to left edge, or straight down between boxes of one column."""
    (x0, y0, *_), (x1, y1, *_) = BOXES[start], BOXES[end]
    column = x0 == x1
    tail = (x0 + WIDTH / 2, y0 - HEIGHT / 2) if column else (x0 + WIDTH + 0.04, y0)
    head = (x1 + WIDTH / 2, y1 + HEIGHT / 2) if column else (x1 - 0.04, y1)
    axes.add_patch(FancyArrowPatch(tail, head, arrowstyle="->", mutation_scale=12, color="#334"))
    middle = ((tail[0] + head[0]) / 2 + dx, (tail[1] + head[1]) / 2 + dy)
    axes.text(*middle, command, ha="center", va="center", color="#334", bbox={"fc": "white", "ec": "none", "pad": 1})


if __name__ == "__main__":
    main()
