"""What the pipeline prints when it ends: the models side by side, and five curated pairs."""

import textwrap
from pathlib import Path

from humpback_exp import progress
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import DASH
from humpback_exp.analysis.further_measures import benchmark_figures, further_measures
from humpback_exp.analysis.pages.loop import compared, gates, results_table
from humpback_exp.analysis.pages.result_tables import of_comparisons, of_models
from humpback_exp.analysis.pages.table import Cell, Table, table
from humpback_exp.analysis.sentences import findings
from humpback_exp.analysis.sentences.cautions import same_models
from humpback_exp.records import Example, read
from humpback_exp.terminal_text import printable

PAIRS = 5
COLUMNS = 4
"""Figures side by side, each with its interval, in 120 characters."""
PAGE_ONLY = ("by ", "judge", "first")
"""Beginnings of the heads of columns that are left out."""
LEGEND = """
web pairs: trained on beside the seed; held-out loss: nats a token of the human answer, lower is better, and its
change from the base model or as named, on the same pairs; win rate: against the base model's answers; AUC: how
often a good pair is rated above a corrupted one; in brackets 95 % intervals; * better or worse beyond noise
"""


def closing(output_root: str, models: list[str], curated: Path | None) -> str:
    """Tables of the evaluations named in `models`, and the best scored pairs of the last curated folder."""
    catalog = read_catalog(output_root)
    told, results = compared(output_root, catalog)
    if not told:
        return "nothing was evaluated"
    shown = [one for one in told if one.runs[0].folder.name in models]
    made = [c for name in results if name != "references" for c in results[name].stated if c.ours in shown]
    parts = [
        results_table(shown, results),
        of_comparisons(made),
        of_models(shown, gates(catalog)),
        *(table(part) for part in narrow(further_measures([one.runs[0].folder for one in shown]))),
        table(benchmark_figures([one.runs[0].folder for one in shown])),
    ]
    texts = [progress.table(rows(part)) for part in parts if part.rows]
    text = (
        textwrap.fill(findings.of_loop(results)[0], 114)
        + "\n\nresults on held-out human pairs\n"
        + "\n\n".join(texts)
        + LEGEND
        + "".join(f"{line}\n" for line in same_models(catalog))
    )
    return text if curated is None else f"{text}\n\nfive curated pairs, the best scored first\n{pairs(curated)}"


def narrow(more: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Rows as tables that fit a terminal: each has the two columns that name a row and at most `COLUMNS` figures."""
    heads = list(more[0]) if more else []
    parts = [heads[:2] + heads[start : start + COLUMNS] for start in range(2, len(heads), COLUMNS)]
    return [[{head: row[head] for head in part} for row in more] for part in parts]


def rows(found: Table) -> list[dict[str, str]]:
    """A table as the terminal prints it: heads in several lines, verdicts as a star, what only a page has room for left out."""
    heads = ["\n".join(textwrap.wrap(head, 14)) or "model" for head in found.head]
    shown = [dict(zip(heads, map(printed, row), strict=True)) for row in found.rows]
    return [{head: text for head, text in row.items() if not head.startswith(PAGE_ONLY)} for row in shown]


def printed(cell: Cell) -> str:
    """`-0.094 (-0.099 to -0.089)*`: a figure, its interval, and whether it is beyond noise."""
    small = f" ({cell.small})" if cell.small else ""
    return in_ascii(f"{cell.text}{small}{'*' if cell.side else ''}")


def in_ascii(text: str) -> str:
    """Minus signs and dashes as every terminal shows them."""
    return text.replace("\N{MINUS SIGN}", "-").replace(DASH, "-")


def pairs(curated: Path) -> str:
    """The best scored pairs, outputs cut to three lines."""
    best = sorted(read(curated, Example), key=lambda example: -(example.score or 0.0))[:PAIRS]
    return "\n".join(pair(example) for example in best)


def pair(example: Example) -> str:
    """Score, instruction and the beginning of the output."""
    body = textwrap.wrap(" ".join(example.output.split()), 110, max_lines=3, placeholder=" ...")
    asked = textwrap.wrap(f"[{(example.score or 0.0) + 0.0:.2f}] " + " ".join(example.instruction.split()), 114)
    return printable("\n".join(["", *asked, *(f"    {line}" for line in body)]))
