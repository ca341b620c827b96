"""Judgements -> the annotations folder: Parquet, W&B, labelled pairs, and a summary of what people prefer."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from humpback_exp import artifacts
from humpback_exp.annotation import figures
from humpback_exp.annotation.agreement import Row, agreement, by
from humpback_exp.annotation.items import Study, names_of
from humpback_exp.annotation.serve import database, opened
from humpback_exp.annotation.store import Judgement
from humpback_exp.config import AnnotateConfig
from humpback_exp.progress import table
from humpback_exp.records import Annotation, Verdict, read, write
from humpback_exp.tracking import track

LABELLED = "labelled_pairs.jsonl"
"""The file that selectors are measured against (evaluation/selectors.py)."""


def export(config: AnnotateConfig) -> None:
    """Write what was judged so far; called again, write it anew.

    Raises:
        ValueError: nobody has judged anything yet, or the database cannot be read.
    """
    started = time.time()
    rows = judged(config)
    work = [row for row in rows if not row.screening]
    if not work:
        raise ValueError(
            f"{database(config)}: nothing is judged yet; send the links that the page prints and try again"
        )
    artifact = artifacts.begin(config)
    artifacts.reopen(artifact)
    write(artifact.folder / "data" / "00000.parquet", Annotation, rows)
    if not config.evals:
        artifacts.write_text(artifact.folder / LABELLED, labelled(work))
    found = summary(config, work)
    counts = {"judgements": len(work), "screening": len(rows) - len(work), "items": len({row.item for row in work})}
    with track(config, artifact) as tracker:
        manifest = artifacts.finish(artifact, started=started, rows=counts, metrics=found)
        tracker.table("annotations", [shown(row) for row in work])
        for name, part in found.items():
            tracker.table(name, part)
        tracker.finished(manifest)
    for name, part in found.items():
        print(f"\n{name}\n{table([joined(row) for row in part])}")
    print(
        f"\n{counts['judgements']} judgements of {counts['items']} items, 95 % intervals in brackets: {artifact.folder}"
    )


def judged(config: AnnotateConfig) -> list[Annotation]:
    """The judgements so far; without a database there are none, and none is made, since it would fix what is judged."""
    if not database(config).exists():
        return []
    items, store = opened(config)
    rows = annotations(items, store.all())
    store.close()
    return rows


def annotations(study: Study, judgements: Sequence[Judgement]) -> list[Annotation]:
    """Judgements with what they are about, in the order of raters and items."""
    items = {item.id: item for item in (*study.test, *study.work)}
    outcomes = {choice.value: choice.outcome for choice in study.choices}
    return [
        Annotation(
            item=item.id,
            source=item.source,
            rater=one.rater,
            screening=item.known is not None,
            models=[*item.models],
            instruction=item.prompt,
            texts=[*item.texts],
            outcome=outcomes[one.value],
            value=one.value,
            swapped=one.swapped,
            reason=one.reason,
            seconds=one.seconds,
            judged_at=one.judged_at,
        )
        for one in judgements
        for item in [items[one.item]]
    ]


def summary(config: AnnotateConfig, rows: Sequence[Annotation]) -> dict[str, list[Row]]:
    """Title -> the rows of a table."""
    found: dict[str, list[Row]] = {}
    if config.evals:
        found["preference"] = figures.comparisons(rows)
        found["Bradley-Terry"] = figures.strengths(rows)
        found["judge"] = figures.with_judge(rows, verdicts(config.evals))
    else:
        found["labels"] = figures.labels(rows)
    found["agreement"] = [agreement(rows, ordered=config.scale == "five" and not config.evals)]
    found["raters"] = figures.raters(rows)
    return {name: part for name, part in found.items() if part}


def verdicts(evals: Sequence[str]) -> dict[tuple[str, ...], dict[str, str]]:
    """Models -> prompt -> the judge's verdict, where the first evaluation was judged against one of the others."""
    ours, names = Path(evals[0]), names_of(evals)
    found: dict[tuple[str, ...], dict[str, str]] = {}
    reference = artifacts.load(ours).inputs.get("reference", {}).get("fingerprint")
    for path, name in zip(evals[1:], names[1:], strict=True):
        if artifacts.load(Path(path)).fingerprint == reference:
            said = {row.id: row.outcome for row in read(ours, Verdict, "verdicts")}
            found[names[0], name] = said
    return found


def labelled(rows: Sequence[Annotation]) -> str:
    """JSON lines of pairs, each with the mean of its labels and all reasons."""
    lines = []
    for own in by(rows, lambda row: row.source).values():
        label, first = sum(row.value for row in own) / len(own), own[0]
        line: Row = {"id": first.source, "instruction": first.instruction, "output": first.texts[0]}
        line |= {"label": label, "reason": " / ".join(row.reason for row in own if row.reason)}
        lines.append(json.dumps(line, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def shown(row: Annotation) -> dict[str, Any]:
    """A row of the table in W&B."""
    texts = [*row.texts, ""][:2]
    return {
        "instruction": row.instruction, "text": texts[0], "other": texts[1], "model": " against ".join(row.models),
        "rater": row.rater, "outcome": row.outcome, "reason": row.reason, "seconds": row.seconds,
    }  # fmt: skip


def joined(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for the terminal, each figure with its interval behind it."""
    found = {}
    for name, value in row.items():
        if f"{name}_low" in row:
            value = f"{value:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
        if not name.endswith(("_low", "_high")):
            found[name] = value
    return found
