"""What the pipeline prints when it ends: the models side by side, and five curated pairs."""

import textwrap
from pathlib import Path

from humpback_exp import progress
from humpback_exp.analysis.benchmark_figures import benchmark_figures
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import DASH
from humpback_exp.analysis.pages.loop import compared, gates, results_tables
from humpback_exp.analysis.pages.result_tables import of_comparisons, of_models
from humpback_exp.analysis.pages.table import Cell, Table, table
from humpback_exp.analysis.sentences import findings
from humpback_exp.analysis.sentences.cautions import same_models
from humpback_exp.records import Example, read
from humpback_exp.terminal_text import printable

PAIRS = 5
WIDTH = 118
"""Characters of the widest table."""
PAGE_ONLY = ("verdict", "judge", "first")
"""Beginnings of the heads of columns that are left out."""
LEGEND = """
web pairs: trained on beside the seed; held-out loss: nats a token of the human answer, lower is better, and its
change from the base model or as named, on the same pairs; instruction gain: nats a token that the right question
saves on the answer; question selection: how often it saves most; win rate: against the base model's answers; AUC: how
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
    found = [
        *results_tables(shown, results).values(),
        of_comparisons(made),
        of_models(shown, gates(catalog)),
        table(benchmark_figures([one.runs[0].folder for one in shown])),
    ]
    texts = [text for one in found for text in printed_tables(one)]
    headline, same = (
        textwrap.fill(findings.of_loop(results)[0], 114),
        "".join(f"{line}\n" for line in same_models(catalog)),
    )
    text = f"{headline}\n\nresults on held-out human pairs\n" + "\n\n".join(texts) + LEGEND + same
    return text if curated is None else f"{text}\n\nfive curated pairs, the best scored first\n{pairs(curated)}"


def printed_tables(found: Table) -> list[str]:
    """A table as the terminal prints it: heads in several lines, verdicts as a star, what only a page has room for left out.
    One that is too wide becomes several, each with the names of its rows.
    """
    columns = [["\n".join(textwrap.wrap(head, 14)) or "model", *(printed(row[place]) for row in found.rows)]
               for place, head in enumerate(found.head) if not head.startswith(PAGE_ONLY)]  # fmt: skip
    parts = [columns[:1]]
    for column in columns[1:]:
        if sum(map(_width, [*parts[-1], column])) > WIDTH:
            parts.append(columns[:1])
        parts[-1] = [*parts[-1], column]
    return [_printed(part) for part in parts] if found.rows else []


def _printed(columns: list[list[str]]) -> str:
    heads, *rows = zip(*columns, strict=True)
    return progress.table([dict(zip(heads, row, strict=True)) for row in rows])


def _width(column: list[str]) -> int:
    return 2 + max(len(line) for text in column for line in text.splitlines())


def printed(cell: Cell) -> str:
    """`-0.094 (-0.099 to -0.089)*`: a figure, its interval, and whether it is beyond noise."""
    small = f" ({cell.small})" if cell.small else ""
    text = f"{cell.text}{small}{'*' if cell.side else ''}"
    return text.replace("\N{MINUS SIGN}", "-").replace(DASH, "-")  # as every terminal shows them


def pairs(curated: Path) -> str:
    """The best scored pairs, outputs cut to three lines."""
    best = sorted(read(curated, Example), key=lambda example: -(example.score or 0.0))[:PAIRS]
    return "\n".join(pair(example) for example in best)


def pair(example: Example) -> str:
    """Score, instruction and the beginning of the output."""
    body = textwrap.wrap(" ".join(example.output.split()), 110, max_lines=3, placeholder=" ...")
    asked = textwrap.wrap(f"[{(example.score or 0.0) + 0.0:.2f}] " + " ".join(example.instruction.split()), 114)
    return printable("\n".join(["", *asked, *(f"    {line}" for line in body)]))
