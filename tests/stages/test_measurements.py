"""An evaluation's folder gains measurements: what it lacks is measured, what it holds is not, and what it is stays."""

from dataclasses import replace
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import Manifest
from humpback_exp.completions import Completion
from humpback_exp.config import EvaluateConfig, JudgeConfig, PipelineConfig, TrackingConfig
from humpback_exp.config.measurements import BenchmarksConfig
from humpback_exp.evaluation import measurement
from humpback_exp.prompts import RANKING, text_digest
from humpback_exp.records import Answer, read
from humpback_exp.stages import evaluate
from humpback_exp.tracking import Tracker
from tests.conftest import one_line_error, run

PAIRS = "\n".join(f'{{"instruction": "Ask {n}?", "output": "Tell {n}."}}' for n in range(3))


class Counting:
    """An engine that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def losses(self, conversations, targets, advance):
        self.asked.append("losses")
        return [(3.0, 2)] * len(targets)

    def generate(self, conversations, sampling, seeds, advance):
        self.asked.append("answers")
        return [Completion(f"mine {n}", 2, "stop") for n in range(len(conversations))]

    def choose(self, conversations, choices, assistant_prefix, advance):
        self.asked.append("verdicts")
        return [[0.8, 0.1]] * len(conversations)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    for module in (evaluate, measurement):
        monkeypatch.setattr(module, "load_engine", lambda *_, **__: made)
    return made


@pytest.fixture
def plain(tmp_path: Path) -> EvaluateConfig:
    (tmp_path / "held.jsonl").write_text(PAIRS)
    where = {
        "output_root": str(tmp_path),
        "heldout": str(tmp_path / "held.jsonl"),
        "tracking": TrackingConfig(mode="none"),
    }
    return EvaluateConfig(name="m", model_path="some/model", **where)


def measured(config: EvaluateConfig) -> Manifest:
    opened = artifacts.begin(config)
    return opened.manifest if opened.finished else evaluate.run(config, opened, Tracker())


def test_one_name_more_measures_only_what_is_missing(plain: EvaluateConfig, engine: Counting) -> None:
    judge = JudgeConfig(path="some/judge", prompts=2)
    base = measured(replace(plain, name="base", judge=judge))
    engine.asked.clear()
    first = measured(plain)
    assert (engine.asked, first.measured) == (["losses"], ["heldout"])
    more = replace(plain, evaluations=["heldout", "judge"], judge=judge, reference=f"{plain.output_root}/evals/base")
    assert not artifacts.is_done(more)
    engine.asked.clear()
    gained = measured(more)
    assert engine.asked == ["answers", "verdicts"]
    assert gained.measured == ["heldout", "judge", "heldout_change"]
    assert gained.metrics.items() >= (first.metrics | {"heldout_change": 0.0, "win_rate": 0.5, "prompts": 2}).items()
    assert gained.fingerprint == first.fingerprint != base.fingerprint
    assert gained.inputs["judge.path"]["path"] == "some/judge"
    rows = list(read(plain.folder, Answer))
    assert [(row.loss, row.labels, row.answer) for row in rows] == [
        (1.5, 2, "mine 0"),
        (1.5, 2, "mine 1"),
        (1.5, 2, None),
    ]
    for again in (plain, more):
        assert artifacts.is_done(again) and artifacts.begin(again).finished


def test_settings_count_for_the_measurements_that_are_there(plain: EvaluateConfig, engine: Counting) -> None:
    measured(plain)
    free = replace(plain, judge=JudgeConfig(path="some/judge", prompts=2), evaluations=["judge"])
    measured(free)
    other = replace(free, judge=JudgeConfig(path="some/judge", prompts=3))
    with pytest.raises(ValueError, match=r"made by another config \(judge.prompts=2 there, 3 here\)"):
        artifacts.begin(other)
    assert artifacts.begin(replace(other, evaluations=["heldout"])).finished
    with pytest.raises(ValueError, match=r"\(tags=\['seed', 'web'\] there, \['web'\] here\)"):
        artifacts.begin(replace(plain, tags=["web"]))
    (Path(plain.output_root) / "other.jsonl").write_text(PAIRS + "\n" + PAIRS.replace("Tell", "Say"))
    elsewhere = replace(plain, heldout=f"{plain.output_root}/other.jsonl")
    with pytest.raises(ValueError, match=r"made by another config \(heldout="):
        artifacts.begin(elsewhere)


def test_a_judge_with_texts_of_its_own_is_gained(plain: EvaluateConfig, engine: Counting) -> None:
    measured(plain)
    ranks = replace(plain, judge=JudgeConfig(path="some/judge", prompts=2, verdict="ranking"), evaluations=["judge"])
    gained = measured(ranks)
    assert gained.config["judge.text"] == text_digest(RANKING)
    assert artifacts.begin(plain).finished and artifacts.begin(ranks).finished


def test_a_reference_that_gains_is_the_same_reference(plain: EvaluateConfig, engine: Counting) -> None:
    base = replace(plain, name="base")
    measured(base)
    compared = replace(plain, reference=f"{plain.output_root}/evals/base")
    made = measured(compared)
    assert made.metrics["heldout_change"] == 0.0
    measured(replace(base, evaluations=["heldout", "judge"], judge=JudgeConfig(path="some/judge", prompts=2)))
    assert artifacts.begin(compared).finished
    assert artifacts.begin(compared).manifest.inputs == made.inputs


def test_a_measurement_that_fails_leaves_the_folder_finished(
    plain: EvaluateConfig, engine: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measured(plain)
    more = replace(plain, evaluations=["judge"], judge=JudgeConfig(path="some/judge", prompts=2))
    monkeypatch.setattr(Counting, "generate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        measured(more)
    assert artifacts.load(plain.folder) == before and artifacts.begin(plain).finished
    monkeypatch.undo()
    monkeypatch.setattr(measurement, "load_engine", lambda *_, **__: engine)
    changed = replace(more, judge=JudgeConfig(path="some/judge", prompts=3))
    assert measured(changed).measured == ["heldout", "judge"]  # nothing of the first try was there


def test_a_refused_measurement_leaves_no_settings(plain: EvaluateConfig, engine: Counting) -> None:
    before = measured(plain)
    lacking = BenchmarksConfig(data=plain.output_root)
    with pytest.raises(ValueError, match="lacks piqa/validation.jsonl"):
        measured(replace(plain, evaluations=["piqa"], benchmarks=lacking))
    assert artifacts.begin(plain).finished and artifacts.load(plain.folder) == before
    more = replace(plain, evaluations=["judge"], judge=JudgeConfig(path="some/judge", prompts=2))
    assert measured(more).measured == ["heldout", "judge"]


def test_files_of_a_measurement_that_was_stopped_are_not_taken_for_another_s(
    plain: EvaluateConfig, engine: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, other = (JudgeConfig(path=path, prompts=2) for path in ("some/judge", "other/judge"))
    there = f"{plain.output_root}/evals/base"
    measured(replace(plain, name="base", judge=judge))
    measured(plain)
    judges = replace(plain, evaluations=["judge"], judge=judge, reference=there)
    with monkeypatch.context() as patched:
        patched.setattr(evaluate, "finish_stage", lambda *_, **__: 1 / 0)  # the verdicts are there, and not finished
        with pytest.raises(ZeroDivisionError):
            measured(judges)
    refused = pytest.raises(ValueError, match=r"made by another config \(judge.path=some/judge.*, other/judge")
    with refused:
        measured(replace(judges, judge=other))
    changed = measured(replace(plain, reference=there))
    assert changed.measured == ["heldout", "heldout_change"]
    with refused:  # nor once another measurement has been finished since
        measured(replace(judges, judge=other))
    engine.asked.clear()
    assert measured(judges).measured == ["heldout", "heldout_change", "judge"] and engine.asked == []


def test_of_our_engine_and_lm_evals_only_one_is_held(plain: EvaluateConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "load_engine", lambda *_, **__: "ours")
    monkeypatch.setattr(measurement, "load_lm", lambda _: "lm-eval's")
    evaluation = measurement.Evaluation(plain, plain.folder)
    for held in ("engine", "lm", "engine"):
        getattr(evaluation, held)
        assert {"engine", "lm"} & evaluation.__dict__.keys() == {held}


def test_a_prompt_seen_in_both_sources_is_seen_once(plain: EvaluateConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "overlap", lambda *_: {"seed": ["p", "q"], "web": ["p"]})
    found = measurement.Evaluation(plain, Path(plain.output_root)).overlap
    assert found == {"overlap": 2, "overlap_seed": 2, "overlap_web": 1}


def test_names_are_checked_at_once() -> None:
    with pytest.raises(ValueError, match="evaluations=judge: needs a judge; set judge.path="):
        EvaluateConfig(evaluations=["judge"])
    with pytest.raises(ValueError, match="evaluations=hedlout: must be one of heldout, judge"):
        PipelineConfig(evaluations=["hedlout"])
    said = one_line_error(run("evaluate.py", "evaluations=[heldout,judges]"))
    assert said.startswith("evaluations=judges: must be one of heldout, judge")
