"""model + held-out human pairs -> losses, answers, verdicts of a judge."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.completions import Completion
from humpback_exp.config import EvaluateConfig
from humpback_exp.config.bounds import require
from humpback_exp.data.seed import load_seed
from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.win_rate import can_be_judged, compare, win_rate
from humpback_exp.inference.load import endpoint_record, load_engine
from humpback_exp.inference.protocol import Engine
from humpback_exp.planning.tensor_parallel import shared_engine
from humpback_exp.progress import bar, counting, log
from humpback_exp.records import Answer, Example, Verdict, read, write
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker


def run(config: EvaluateConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Measure; each of the two measurements is a file, and a file that exists is not measured again."""
    started = time.time()
    pairs = load_seed(config.heldout, "heldout", config.heldout_dataset)
    measured = any(pair.output for pair in pairs)
    require(
        measured or config.judge.asked,
        "heldout",
        config.heldout,
        "prompts without outputs have no loss to measure; set judge.path= to have answers written and judged",
    )
    there = opponents(config, pairs)
    if config.judge.asked and not config.reference:
        log.info("%s: no reference=, so answers are written but not compared", config.name)
    engine = load_engine(shared_engine(config), config.model_path, template=config.template)
    rows = answered(engine, pairs, config, artifact.folder)
    metrics = heldout.summary(rows) if measured else {}
    drops = Counter(reasons.NO_LOSS + why for row in rows if row.human and (why := heldout.why_unmeasured(row)))
    if config.reference:
        metrics |= heldout.difference(rows, there)
        if config.judge.asked:
            verdicts = judged(engine, rows, there, config, artifact.folder)
            metrics |= win_rate(verdicts)
            drops += unjudged(rows, there, verdicts)
            tell_unjudged(config, drops, len(verdicts))
    return finish_stage(
        artifact,
        tracker,
        f"evaluate {config.name}, held-out pairs",
        started=started,
        rows={"pairs": len(rows)},
        drops=dict(drops),
        metrics=metrics | endpoint_record(config.engine, config.model_path, config.judge.path),
        tables={"answers": samples(rows, "instruction", "human", "answer", "loss")},
    )


def opponents(config: EvaluateConfig, pairs: Sequence[Example]) -> dict[str, Answer]:
    """The reference's rows by id; none without a reference.

    Raises:
        ValueError: it was evaluated on other pairs, or holds no answers to judge against.
    """
    if config.reference is None:
        return {}
    there = {row.id: row for row in read(artifacts.require_input(config.reference, "evals"), Answer)}
    asked = {pair.id for pair in pairs[: config.judge.prompts]}
    if not there.keys() & {pair.id for pair in pairs}:
        raise ValueError(
            f"reference={config.reference}: evaluated on other pairs than {config.heldout}; evaluate it again"
        )
    if config.judge.asked and not any(there[row_id].answer for row_id in asked & there.keys()):
        raise ValueError(f"reference={config.reference}: holds no answers; evaluate it with judge.path= set, too")
    return there


def answered(engine: Engine, pairs: Sequence[Example], config: EvaluateConfig, folder: Path) -> list[Answer]:
    """Losses of all pairs, and answers to the first `judge.prompts`; kept in `data/`."""
    path = folder / "data" / "00000.parquet"
    asked = pairs[: config.judge.prompts] if config.judge.asked else []
    if not path.exists():
        with bar(len(pairs) + len(asked), f"evaluate {config.name}") as progress:
            losses = heldout.losses(engine, pairs, config.tags, counting(progress))
            completions = heldout.answers(
                engine, asked, config.tags, config.generation, config.seed, counting(progress)
            )
        written = [*completions, *[None] * (len(pairs) - len(completions))]
        drop_unfinished = config.generation.unfinished == "drop"
        rows = [
            answer(pair, completion, loss, drop_unfinished)
            for pair, completion, loss in zip(pairs, written, losses, strict=True)
        ]
        write(path, Answer, rows)
    return list(read(folder, Answer))


def answer(pair: Example, completion: Completion | None, loss: tuple[float, int], drop_unfinished: bool) -> Answer:
    """The row of a pair.

    Args:
        completion: the model's own answer, where it was asked for one.
        loss: of the human's answer, summed over its labels in nats, and their number.
    """
    text, dropped = None, ""
    if completion:
        text = completion.answer
        dropped = completion.unusable or ("" if text else reasons.EMPTY)
        if drop_unfinished:
            dropped = dropped or completion.unfinished
    return Answer(
        id=pair.id,
        instruction=pair.instruction,
        human=pair.output,
        answer=text,
        loss=loss[0] / max(loss[1], 1),
        labels=loss[1],
        dropped=dropped,
    )


def judged(
    engine: Engine, rows: Sequence[Answer], there: dict[str, Answer], config: EvaluateConfig, folder: Path
) -> list[Verdict]:
    """The judge's verdicts; kept in `verdicts/`. A judge that is the model itself is not loaded twice."""
    path = folder / "verdicts" / "00000.parquet"
    assert config.judge.path is not None
    if not path.exists():
        same = (config.judge.path, config.judge.template) == (config.model_path, config.template)
        own = (config.judge.path, "judge.path", config.judge.template)
        judge = engine if same else load_engine(shared_engine(config), *own)
        theirs = {row.id: row.answer or "" for row in there.values() if can_be_judged(row)}
        write(path, Verdict, compare(judge, rows, theirs))
    return list(read(folder, Verdict, "verdicts"))


def unjudged(rows: Sequence[Answer], there: dict[str, Answer], verdicts: Sequence[Verdict]) -> Counter[str]:
    """Why prompts that both models answered have no verdict."""
    known = {verdict.id for verdict in verdicts}
    both = [(row, there[row.id]) for row in rows if row.answer is not None and row.id in there]
    return Counter(
        reasons.NOT_JUDGED + (row.dropped or other.dropped or reasons.UNSCORED)
        for row, other in both
        if row.id not in known and other.answer is not None
    )


def tell_unjudged(config: EvaluateConfig, drops: Counter[str], judged: int) -> None:
    """A line where more prompts were left out of the win rate than stand in it."""
    left_out = {why: count for why, count in drops.items() if why.startswith(reasons.NOT_JUDGED)}
    if sum(left_out.values()) > judged:
        said = ", ".join(f"{why.removeprefix(reasons.NOT_JUDGED)} {count}" for why, count in left_out.items())
        log.warning(
            "%s: the judge compared %d answers only; the others were not whole (%s); raise generation.max_new_tokens",
            config.name, judged, said,
        )  # fmt: skip
