"""Our models' win rates beside those that the paper prints, each with its judge, its prompts and its opponent.

`published.csv` holds the paper's AlpacaEval table (arXiv 2308.06259, Table 4 and its version 3). Win rates by different judges,
on different prompts or against different opponents say nothing about each other, so they never stand in one group.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from humpback_exp import reasons
from humpback_exp.artifacts import Manifest, digest

PAPER = ("gpt-4 (ranking, random, alpaca_eval.txt)", "AlpacaEval", "text_davinci_003")
"""Judge, prompts and opponent of all published rows. Ours join them by AlpacaEval's own prompt for GPT-4, its own
files, and all of its prompts."""
ALPACA_EVAL = 805


@dataclass(frozen=True, slots=True)
class Row:
    """A model of the table; figures in percent, None where they are not known."""

    judge: str
    prompts: str
    opponent: str
    measured_alike: str
    """A digest of what these three and the number of prompts stand for, since names are given twice; empty for the paper's."""
    model: str
    win_rate: float | None
    """AlpacaEval's raw win rate: the judge's mean preference, ties counting half."""
    error: float | None
    judged: int
    unscored: int | None
    agreement: float | None
    """Of the judge with stored verdicts."""
    first_preferred: float | None
    longer_preferred: float | None
    seen_in_training: int | None
    """Prompts that overlap with the model's seed or web pairs."""
    source: str

    @property
    def group(self) -> tuple[str, str, str, str]:
        """What must be the same for two rows to be compared."""
        return (self.judge, self.prompts, self.opponent, self.measured_alike)


def published() -> list[Row]:
    """The paper's rows."""
    with (Path(__file__).parent / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Row(*PAPER, "", row["model"], float(row["win_rate"]), float(row["error"]) if row["error"] else None, ALPACA_EVAL,
            None, None, None, None, None, f"the paper, {row['source']}")
        for row in rows
    ]  # fmt: skip


def row_of(manifest: Manifest) -> Row | None:
    """An evaluation's row; None where nothing was judged."""
    figures, paths = manifest.metrics, {key: one["path"] for key, one in manifest.inputs.items()}
    if figures.get("preference") is None or "reference" not in paths:
        return None
    names = (
        _judge(manifest.config, paths),
        _prompts(manifest.config, paths["heldout"]),
        opponent_name(paths["reference"]),
    )
    return Row(
        *names,
        "" if names == PAPER and _asked(manifest) == ALPACA_EVAL else _alike(manifest),
        model=manifest.name,
        win_rate=_percent(figures, "preference"),
        error=_percent(figures, "preference_error"),
        judged=int(figures["prompts"]),
        unscored=manifest.drops.get(reasons.NOT_JUDGED + reasons.UNSCORED, 0),
        agreement=_percent(figures, "calibration_agreement"),
        first_preferred=_percent(figures, "position_share"),
        longer_preferred=_percent(figures, "longer_share"),
        seen_in_training=figures.get("overlap"),
        source="evals/" + manifest.name,
    )


def leaderboard(manifests: Iterable[Manifest]) -> list[Row]:
    """Published rows and ours, group by group, the best first; the paper's group is the last."""
    rows = [*published(), *filter(None, map(row_of, manifests))]
    return sorted(rows, key=lambda row: (row.group == (*PAPER, ""), row.group, -(row.win_rate or 0.0)))


def as_table(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows with their columns' names in words."""
    return [{name.replace("_", " "): value for name, value in asdict(row).items()} for row in rows]


def opponent_name(path: str) -> str:
    """Of an evals folder its name, of a `model_outputs.json` that of the folder it lies in, as AlpacaEval has them."""
    return Path(path).parent.name if path.endswith(".json") else Path(path).name


def _judge(config: Mapping[str, Any], paths: Mapping[str, str]) -> str:
    if "judge.annotations" in paths:
        return f"verdicts of {paths['judge.annotations']}"
    how = [config.get("judge.verdict", "choice"), config.get("judge.order", "both")]
    how += [Path(paths["judge.prompt"]).name] if "judge.prompt" in paths else []
    return f"{Path(paths.get('judge.path', '')).name} ({', '.join(how)})"


def _asked(manifest: Manifest) -> int:
    """Prompts that were to be answered and judged."""
    return min(manifest.rows["pairs"], int(manifest.config["judge.prompts"]))


def _alike(manifest: Manifest) -> str:
    inputs = ("heldout", "heldout_dataset.without", "reference", "judge.path", "judge.prompt", "judge.annotations")
    marks = {key: manifest.inputs[key]["fingerprint"] for key in inputs if key in manifest.inputs}
    settings = ("heldout_dataset.", "judge.prompts", "judge.template", "judge.verdict", "judge.labels", "judge.order")
    return digest([marks, {key: value for key, value in manifest.config.items() if key.startswith(settings)}])[:6]


def _prompts(config: Mapping[str, Any], path: str) -> str:
    subset, count = config.get("heldout_dataset.subset"), config.get("heldout_dataset.count")
    name = "AlpacaEval" if subset or count == ALPACA_EVAL else Path(path).stem
    return f"{name}: {subset}" if subset else name


def _percent(figures: Mapping[str, Any], key: str) -> float | None:
    return None if figures.get(key) is None else 100 * float(figures[key])
