"""What `report.py` prints of win rates: of AlpacaEval's files of verdicts, and our models beside the paper's rows."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from humpback_exp.artifacts.walk import walk
from humpback_exp.config.commands import LengthControlConfig
from humpback_exp.evaluation.leaderboard import Row, as_table
from humpback_exp.evaluation.leaderboard import leaderboard as ranked
from humpback_exp.progress import table


def leaderboard(output_root: str, path: Path) -> None:
    """Print a table for each judge, prompt set and opponent, and write all rows, so marked, to a CSV file."""
    manifests = [folder.manifest for folder in walk(output_root, loops=True).of("evals")]
    rows = ranked(manifests)
    for group, members in groupby(rows, key=lambda row: row.group):
        judge, prompts, opponent, alike = group
        print(f"\njudge {judge}; prompts {prompts}; against {opponent}{alike and f' (set {alike})'}")
        print(table(_without_marks(list(members)), ".2f"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = as_table(rows)
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    print(f"\nleaderboard: {path}")


def _without_marks(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The columns of a group's table: those that its title does not tell, and that any row fills."""
    lines = as_table(rows)
    told = {"judge", "prompts", "opponent", "measured alike"}
    shown = [name for name in lines[0] if name not in told and any(line[name] is not None for line in lines)]
    return [{name: line[name] for name in shown} for line in lines]


def win_rates(paths: Sequence[Path], files: LengthControlConfig) -> None:
    """Print the raw win rate of AlpacaEval's verdicts by data set, the length-controlled one where its files are given, and of
    two models' verdicts which win rate is higher."""
    from humpback_exp.evaluation.alpaca_eval.files import read_annotations
    from humpback_exp.evaluation.alpaca_eval.length_control import length_controlled
    from humpback_exp.evaluation.alpaca_eval.length_control_files import read_length_control
    from humpback_exp.evaluation.alpaca_eval.win_rates import by_dataset, compared

    found = [read_annotations(path) for path in paths]
    control = None
    if files.gamed:
        control = read_length_control(Path(files.difficulty), Path(files.instructions), Path(files.gamed))
    for path, annotations in zip(paths, found, strict=True):
        rates = by_dataset(annotations, path)
        print(f"\n{path}")
        print(table([asdict(rate) | {"verdicts of": name} for name, rate in rates.items()], ".5f"))
        if control:
            print(f"\nlength-controlled win rate: {length_controlled(annotations, control):.5f} %")
    for path, annotations in zip(paths[1:], found[1:], strict=True):
        print(f"\n{paths[0]} less {path}, paired t test over instructions")
        one = compared(found[0], annotations)
        shown = {"points": one.value, "low": one.low, "high": one.high, "p": one.p, "prompts": one.rows}
        print(table([shown], ".5f"))
