"""The judge's part of an evaluation: tried on stored verdicts, then asked about our answers; all in files of the folder."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.artifacts import write_text
from humpback_exp.config import EngineConfig, EvaluateConfig
from humpback_exp.evaluation.alpaca_eval.files import read_annotations
from humpback_exp.evaluation.judge.annotated import verdicts_elsewhere, write_annotations
from humpback_exp.evaluation.judge.asking import Judge
from humpback_exp.evaluation.judge.calibration import calibration, comparisons_of, stored_verdicts
from humpback_exp.evaluation.judge.cost import Prices, read_prices, requests_of, told
from humpback_exp.evaluation.judge.prompt import judge_prompt
from humpback_exp.evaluation.judge.verdicts import Asked, Comparison, asked_of, verdicts_of
from humpback_exp.inference.protocol import Engine
from humpback_exp.progress import bar, counting, log
from humpback_exp.records import Answer, Verdict, read, write

KEPT = "verdicts"
"""Folder below output_root where the answers of judges are kept for all evaluations."""


def check_judge(config: EvaluateConfig) -> None:
    """Raise the ValueError of a file that the judge needs and that cannot be used, before dear work."""
    judge_prompt(config.judge)
    stored_verdicts(config.judge, config.seed)
    _prices(config)
    if config.judge.annotations:
        read_annotations(Path(config.judge.annotations))


def judge_engine(config: EvaluateConfig) -> EngineConfig:
    """What the judge runs on: its own engine, else that of the model."""
    return config.judge.engine or config.engine


def judged(
    config: EvaluateConfig, compared: Sequence[Comparison], folder: Path, load: Callable[[], Engine]
) -> list[Verdict]:
    """The verdicts about our answers, kept in `verdicts/` and `annotations.json`; the judge's trial in `calibration.json`.

    Args:
        load: the model behind the judge, called when there is something to ask.
    """
    path = folder / "verdicts" / "00000.parquet"
    if not path.exists():
        elsewhere = config.judge.annotations
        found = verdicts_elsewhere(elsewhere, compared) if elsewhere else _asked(config, compared, folder, load)
        write_annotations(folder, config, compared, found)
        write(path, Verdict, found)
    return list(read(folder, Verdict, "verdicts"))


def calibration_of(folder: Path) -> dict[str, float]:
    """The figures of the judge's trial, which stand beside the win rate; none where it was not tried."""
    path = folder / "calibration.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _asked(
    config: EvaluateConfig, compared: Sequence[Comparison], folder: Path, load: Callable[[], Engine]
) -> list[Verdict]:
    """Try the judge, then ask it about our answers."""
    judge = Judge(config.judge, judge_engine(config), config.seed, Path(config.output_root) / KEPT)
    stored = stored_verdicts(config.judge, config.seed)
    trial = asked_of(comparisons_of(stored), config.judge, config.seed, both=True)
    own = asked_of(compared, config.judge, config.seed)
    _tell_cost(config, judge, [*trial, *own])
    if stored:
        found = calibration(stored, _verdicts(judge, load, trial, f"calibrate {config.judge.path}"))
        write_text(folder / "calibration.json", json.dumps(found, indent=1))
        _tell_trial(config, found)
    else:
        log.info("%s: the judge was not tried on stored verdicts; judge.calibration=annotations.json does", config.name)
    return _verdicts(judge, load, own, f"judge {config.name}")


def _verdicts(judge: Judge, load: Callable[[], Engine], asked: Sequence[Asked], title: str) -> list[Verdict]:
    with bar(len(asked), title) as progress:
        readings = judge.ask(load, [one.shown(swapped) for one, swapped in asked], counting(progress))
    return verdicts_of(asked, readings)


def unjudged(rows: Sequence[Answer], there: Mapping[str, Answer], verdicts: Sequence[Verdict]) -> Counter[str]:
    """Why prompts that both models were asked have no verdict."""
    known = {verdict.id for verdict in verdicts}
    both = [(row, there[row.id]) for row in rows if row.answer is not None and row.id in there]
    return Counter(
        reasons.NOT_JUDGED + (row.dropped or other.dropped or reasons.UNSCORED)
        for row, other in both
        if row.id not in known and other.answer is not None
    )


def tell_unjudged(config: EvaluateConfig, drops: Counter[str], judged: int) -> None:
    """A line where more prompts were left out of the win rate than stand in it, with the remedy for most of them."""
    left_out = Counter(
        {why.removeprefix(reasons.NOT_JUDGED): n for why, n in drops.items() if why.startswith(reasons.NOT_JUDGED)}
    )
    if left_out.total() <= judged:
        return
    remedy = "raise generation.max_new_tokens, so that answers come to an end"
    if 2 * left_out[reasons.UNSCORED] > left_out.total():
        remedy = "its replies cannot be read: see judge.verdict, judge.prompt and judge.generation.max_new_tokens"
    said = ", ".join(f"{why} {count}" for why, count in left_out.items())
    log.warning("%s: the judge compared %d answers only; left out: %s; %s", config.name, judged, said, remedy)


def _prices(config: EvaluateConfig) -> Prices | None:
    engine, judge = judge_engine(config), config.judge
    return read_prices(judge.prices, engine.model or str(judge.path)) if judge.prices and judge.path else None


def _tell_cost(config: EvaluateConfig, judge: Judge, asked: Sequence[Asked]) -> None:
    """What an endpoint is going to be asked, less what it has answered already."""
    if judge_engine(config).name == "openai":
        questions = dict.fromkeys(one.shown(swapped) for one, swapped in asked)
        missing = [judge.prompt.conversation(question) for question in questions if judge.known(question) is None]
        log.info("judge %s: %s", config.judge.path, told(requests_of(missing, config.judge), _prices(config)))


def _tell_trial(config: EvaluateConfig, found: Mapping[str, float]) -> None:
    share, error = found["calibration_agreement"], found["calibration_agreement_error"]
    said = f"the judge agrees with {100 * share:.1f} % of {found['calibration_pairs']} stored verdicts"
    if share - 2 * error > 0.5:
        log.info("%s: %s", config.name, said)
    else:
        log.warning("%s: %s, which a coin does, too; its win rate says little", config.name, said)
