"""`evaluate.py` judging stored answers through an endpoint, as a user types it: no model is loaded, nothing is asked twice."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from humpback_exp import artifacts
from humpback_exp.evaluation.alpaca_eval.files import read_annotations
from tests.conftest import one_line_error, run
from tests.inference.misbehaving import Reply, completion, misbehaving

PROMPTS = [f"Question {n}?{' ' * (n == 2)}" for n in range(4)]


def outputs(path: Path, generator: str, answers: list[str | None]) -> Path:
    rows = [
        {"dataset": ("koala", "vicuna")[n % 2], "instruction": PROMPTS[n], "output": answer, "generator": generator}
        for n, answer in enumerate(answers)
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows[::-1] if generator == "base" else rows))
    return path


def likes_ours(_: int, payload: dict[str, Any]) -> Reply:
    first = "Answer 1:\nours" in payload["messages"][-1]["content"]
    top = [
        {"token": "1", "logprob": math.log(0.8 if first else 0.2)},
        {"token": "2", "logprob": math.log(0.2 if first else 0.8)},
    ]
    return completion("1", logprobs={"content": [{"token": "1", "logprob": 0.0, "top_logprobs": top}]})


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    ours = outputs(tmp_path / "mine/model_outputs.json", "mine", ["ours 0", "ours 1", "ours 2", None])
    base = outputs(tmp_path / "base/model_outputs.json", "base", ["theirs 0", "theirs 1", "theirs 2", "theirs 3"])
    return [
        "evaluate.py", "tracking=none", f"output_root={tmp_path}/outputs", "name=mine", f"stored_answers={ours}",
        f"reference={base}", f"heldout={base}", "heldout_dataset.prompts_only=true", "heldout_dataset.count=4",
    ]  # fmt: skip


def test_stored_answers_are_judged_through_an_endpoint(command: list[str], tmp_path: Path) -> None:
    with misbehaving(likes_ours) as server:
        judge = ["judge.path=gpt-4", "engine@judge.engine=openai", f"judge.engine.base_url={server.url}"]
        judge += ["judge.engine.key_variable=null"]
        result = run(*command, *judge)
        assert result.returncode == 0, result.stderr
        assert "judge gpt-4: 6 requests, about" in result.stderr
        assert "the judge was not tried on stored verdicts" in result.stderr
        assert len(server.seen) == 6
        assert run(*command, *judge, "name=again").returncode == 0
        assert len(server.seen) == 6
    folder = tmp_path / "outputs/evals/mine"
    manifest = artifacts.load(folder)
    assert (manifest.metrics["win_rate"], manifest.metrics["prompts"]) == (1.0, 3)
    assert manifest.metrics["preference"] == pytest.approx(0.8)
    assert manifest.drops == {"not judged: empty": 1}
    assert "model_path" not in manifest.inputs
    told = read_annotations(folder / "annotations.json")
    assert [(each.instruction, each.dataset, each.generator_1) for each in told] == [
        (PROMPTS[n], ("koala", "vicuna")[n % 2], "base") for n in (2, 1, 0)
    ]
    read_back = ["name=read", f"judge.annotations={folder}/annotations.json", "judge.prompts=3"]
    result = run(*command, *read_back)
    assert result.returncode == 0, result.stderr
    assert artifacts.load(tmp_path / "outputs/evals/read").metrics["preference"] == pytest.approx(0.8)
    printed = run("report.py", f"output_root={tmp_path}/outputs", f"leaderboard={tmp_path}/board.csv").stdout
    assert printed.count("judge gpt-4 (choice, both); prompts model_outputs; against base (set ") == 1


def test_what_cannot_be_judged_is_refused_before_anything_is_asked(command: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{"instruction": "Question 1?", "output": "a"}]))
    refusals = {
        f"reference={other}": f"reference={other}: evaluated on other pairs than",
        f"stored_answers={other}": f"stored_answers={other}: evaluated on other pairs than",
        "heldout_dataset.count=5": "has 4 rows, not heldout_dataset.count=5; get it whole",
        "judge.prompt=none.txt": "judge.prompt=none.txt: no such file",
        "judge.calibration=none.json": "judge.calibration=none.json: no such file",
        f"judge.prices={other}": f"judge.prices={other}: has no prices of org/judge",
        "evaluations=[heldout,judge]": "can only be judged",
    }
    for option, said in refusals.items():
        assert said in one_line_error(run(*command, "judge.path=org/judge", option)), option
