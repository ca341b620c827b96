"""Real folders of a small loop, written by the code that stages use: `artifacts.begin`, `records.write`, `artifacts.finish`."""

import time
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import Artifact
from humpback_exp.config import (
    AugmentConfig,
    CorpusConfig,
    DataConfig,
    EvaluateConfig,
    GateConfig,
    JudgeConfig,
    ModelConfig,
    RubricConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.curation.outcomes import scored
from humpback_exp.curation.parsing import Rated
from humpback_exp.evaluation import gate, heldout
from humpback_exp.evaluation.judge.verdicts import summary
from humpback_exp.records import Answer, Candidate, Rating, ScoredCandidate, Verdict, read, write

RUBRIC = RubricConfig(prompt="{instruction} {output}")
PAIRS = 12
Texts = dict[str, str]


def segments(root: Path, min_chars: int = 600) -> None:
    artifact = _begin(SegmentConfig(output_root=str(root), name="web", corpus=CorpusConfig(min_chars=min_chars)))
    drops = {"too short": 30, "language": 5, "page: no header": 2}
    artifacts.finish(
        artifact, started=time.time(), rows={"pages": 20, "segments found": 60, "segments": 25}, drops=drops
    )


def model(root: Path, name: str, losses: Sequence[float] = (3.0, 2.5, 2.0), scored_by: str | None = None) -> None:
    data = DataConfig(direction="backward" if name == "backward" else "forward")
    if scored_by is not None:
        data = DataConfig(scored=f"{root}/scored/{scored_by}", min_score=4)
    config = TrainConfig(output_root=str(root), name=name, model=ModelConfig(path="org/base"), data=data)
    artifact = _begin(config)
    lines = [f"{step},{loss},1e-05,10" for step, loss in enumerate(losses, start=1)]
    artifacts.write_text(artifact.folder / "history.csv", "\n".join(["step,loss,lr,labels", *lines]) + "\n")
    rows = {"examples": 8, "seed": 8, "web": 3 if scored_by else 0}
    artifacts.finish(artifact, started=time.time(), rows=rows, metrics={"loss": losses[-1]})


def candidates(root: Path, hostile: Texts, name: str = "web") -> None:
    config = AugmentConfig(
        output_root=str(root),
        name=name,
        segments=f"{root}/segments/web",
        model_path=f"{root}/models/{'backward' if name == 'web' else 'm0'}",
        limit=10,
    )
    rows = [_candidate(number, hostile) for number in range(10)]
    artifact = _begin(config)
    write(artifact.folder / "data" / "00000.parquet", Candidate, rows)
    drops = {"empty": 1, "echoes the prompt": 1}
    artifacts.finish(artifact, started=time.time(), rows={"segments": 10, "candidates": 8}, drops=drops)


def _candidate(number: int, hostile: Texts) -> Candidate:
    texts = {
        "url": f"https://example.org/{number}",
        "instruction": f"Instruction {number}",
        "output": f"Output {number}",
    }
    return Candidate(
        id=f"row{number}",
        offset=0,
        heading_path=["Page", f"Part {number}"],
        raw="",
        dropped={8: "empty", 9: "echoes the prompt"}.get(number, ""),
        **(texts | (hostile if number in (0, 9) else {})),
    )


def score(root: Path, name: str, values: Sequence[float | None], scorer: str = "generated") -> None:
    config = ScoreConfig(
        output_root=str(root),
        name=name,
        candidates=f"{root}/candidates/web",
        model_path=f"{root}/models/{name}",
        scorer=scorer,
        rubric=RUBRIC,
    )
    artifact = _begin(config)
    usable = [row for row in read(root / "candidates" / "web", Candidate) if not row.dropped]
    rated = [Rated(raw=["Score: ?"], dropped="" if value is not None else "unreadable") for value in values]
    rows = [scored(*row) for row in zip(usable, values, rated, strict=True)]
    write(artifact.folder / "data" / "00000.parquet", ScoredCandidate, rows)
    readable = sum(value is not None for value in values)
    counts = {"candidates": 8, "readable": readable, "scored": readable, "abandoned": 8 - readable}
    drops = {"unreadable": 8 - readable} if readable < 8 else {}
    artifacts.finish(artifact, started=time.time(), rows=counts, drops=drops)


def gated(root: Path, name: str) -> None:
    config = GateConfig(output_root=str(root), name=name, model_path=f"{root}/models/{name}", rubric=RUBRIC)
    artifact = _begin(config)
    write(artifact.folder / "data" / "00000.parquet", Rating, _ratings())
    artifacts.finish(artifact, started=time.time(), rows={"pairs": 2}, metrics=gate.summary(_ratings()))


def select(root: Path, name: str, kept: int) -> None:
    artifact = _begin(
        SelectConfig(output_root=str(root), name=f"{name}-a4", scored=f"{root}/scored/{name}", min_score=4)
    )
    drops = {"abandoned": 2, "below the threshold": 6 - kept}
    artifacts.finish(artifact, started=time.time(), rows={"scored": 8, "curated": kept}, drops=drops)


def evaluation(root: Path, name: str, losses: Sequence[float], wins: int = 0, losts: int = 0, text: str = "") -> None:
    """`losses` of `PAIRS` pairs of ten tokens each; `wins` and `losts` of as many comparisons, the rest ties."""
    base = name == "base"
    config = EvaluateConfig(
        output_root=str(root),
        name=name,
        model_path="org/base" if base else f"{root}/models/{name}",
        reference=None if base else f"{root}/evals/base",
        judge=JudgeConfig(path="org/judge", prompts=PAIRS),
    )
    artifact = _begin(config)
    rows = [_answer(number, loss, f"{name} answers {number} {text}") for number, loss in enumerate(losses)]
    write(artifact.folder / "data" / "00000.parquet", Answer, rows)
    figures = heldout.summary(rows)
    if not base:
        figures |= heldout.difference(rows, {row.id: row for row in read(root / "evals" / "base", Answer)})
        figures |= summary(_verdicts(artifact, wins, losts))
    artifacts.finish(artifact, started=time.time(), rows={"pairs": len(rows)}, metrics=figures)


def _answer(number: int, loss: float, text: str) -> Answer:
    return Answer(
        id=f"pair{number}",
        instruction=f"Question {number}?",
        human=f"Human {number}",
        answer=text,
        loss=loss,
        labels=10,
    )


def _ratings() -> list[Rating]:
    values = {"true": (5.0, None), "shuffled": (2.0, 3.0), "truncated": (5.0, 4.0)}
    shared = {"rubric": "five_point", "scorer": "generated", "mass": None, "raw": [""]}
    return [
        Rating(**shared, id=str(number), kind=kind, score=value, dropped="" if value else "unreadable")
        for kind, scores in values.items()
        for number, value in enumerate(scores)
    ]


def _verdicts(artifact: Artifact, wins: int, losts: int) -> list[Verdict]:
    outcomes = ["win"] * wins + ["loss"] * losts + ["tie"] * (PAIRS - wins - losts)
    sides = {"win": (0.9, 0.8), "loss": (0.2, 0.1), "tie": (0.6, 0.4)}
    rows = [
        Verdict(id=f"pair{i}", first_probability=sides[o][0], second_probability=sides[o][1], outcome=o)
        for i, o in enumerate(outcomes)
    ]
    write(artifact.folder / "verdicts" / "00000.parquet", Verdict, rows)
    return rows


def _begin(config: StageConfig) -> Artifact:
    return artifacts.begin(config)


def whole_loop(root: Path, hostile: Texts | None = None) -> None:
    """Corpus to M1, with two scorings: ratings by M0, likelihoods by M1."""
    hostile = hostile or {}
    base = [2.0 + number / 10 for number in range(PAIRS)]
    m0 = [loss - 0.5 + (0.1 if number % 2 else -0.1) for number, loss in enumerate(base)]
    m1 = [loss + (0.2 if number % 4 < 2 else -0.2) for number, loss in enumerate(m0)]
    segments(root)
    model(root, "backward")
    candidates(root, hostile)
    evaluation(root, "base", base, text=hostile.get("output", ""))
    model(root, "m0", losses=(3.0, 2.75))
    evaluation(root, "m0", m0, wins=3, losts=2, text=hostile.get("output", ""))
    gated(root, "m0")
    score(root, "m0", (5, 5, 4, 3, 2, 1, None, None))
    select(root, "m0", kept=3)
    model(root, "m1", scored_by="m0")
    evaluation(root, "m1", m1, wins=11)
    score(root, "m1", (0.5, 0.25, 0.1, 0.0, -0.1, -0.25, -0.5, 1.0), scorer="likelihood")
