"""Evaluations and candidates as stages leave them, for people to judge."""

import time
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import AugmentConfig, EvaluateConfig
from humpback_exp.records import Answer, Candidate, Verdict, write


def evaluation(
    root: Path, name: str, answers: Sequence[str], reference: str | None = None, outcomes: Sequence[str] = ()
) -> None:
    """An evaluation with these answers to `Question 0?`, `Question 1?` ..., judged with these outcomes against a reference."""
    there = f"{root}/evals/{reference}" if reference else None
    config = EvaluateConfig(output_root=str(root), name=name, model_path=f"org/{name}", reference=there)
    artifact = artifacts.begin(config)
    rows = [
        Answer(id=f"p{n}", instruction=f"Question {n}?", human="", answer=text, loss=0.0, labels=0)
        for n, text in enumerate(answers)
    ]
    write(artifact.folder / "data" / "00000.parquet", Answer, rows)
    if outcomes:
        said = [
            Verdict(id=f"p{n}", first_probability=0.5, second_probability=0.5, outcome=one)
            for n, one in enumerate(outcomes)
        ]
        write(artifact.folder / "verdicts" / "00000.parquet", Verdict, said)
    artifacts.finish(artifact, started=time.time(), rows={"pairs": len(rows)})


def candidates(root: Path, outputs: Sequence[str]) -> str:
    """A folder of candidates with these outputs; its path. The last one was dropped."""
    config = AugmentConfig(output_root=str(root), name="web", segments="org/segments", model_path="org/backward")
    artifact = artifacts.begin(config)
    rows = [
        Candidate(
            id=f"c{n}", url="https://example.org/", offset=0, heading_path=["H"], instruction=f"Ask {n}", output=text,
            raw="", dropped="empty" if n == len(outputs) - 1 else "",
        )
        for n, text in enumerate(outputs)
    ]  # fmt: skip
    write(artifact.folder / "data" / "00000.parquet", Candidate, rows)
    artifacts.finish(artifact, started=time.time(), rows={"candidates": len(rows) - 1})
    return str(artifact.folder)
