"""Evaluation on prompts without outputs: answered and judged, but not measured."""

import json
from collections import Counter
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import EvaluateConfig
from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.alpaca_eval.files import read_annotations, read_outputs
from humpback_exp.records import Answer, Example, Verdict, read
from humpback_exp.stages import evaluate
from tests.conftest import one_line_error, run


def test_only_rows_with_an_output_are_measured() -> None:
    """In their own order, by one request to the engine, and by none where there is nothing to measure."""
    pairs = [Example(id=each, source="seed", instruction=each, output=each.strip("-")) for each in ("a", "-", "b")]
    asked: list[list[str]] = []

    class Engine:
        def losses(self, conversations: list[object], outputs: list[str], advance: object) -> list[tuple[float, int]]:
            asked.append(outputs)
            return [(float(ord(output)), 1) for output in outputs]

    assert heldout.losses(Engine(), pairs, [], lambda *_: None) == [(97.0, 1), (0.0, 0), (98.0, 1)]
    assert heldout.losses(Engine(), pairs[1:2], [], lambda *_: None) == [(0.0, 0)]
    assert asked == [["a", "b"]]


def test_no_change_is_told_where_nothing_was_measured() -> None:
    row = Answer(id="a", instruction="a", human="", answer="b", loss=0.0, labels=0)
    assert heldout.difference([row], {"a": row}) == {}


@pytest.mark.parametrize(
    ("drops", "told"),
    [
        (
            {"not judged: unscored": 2, "not judged: cut off": 1},
            "unscored 2, cut off 1; its replies cannot be read: see judge.",
        ),
        (
            {"not judged: unscored": 1, "not judged: cut off": 2},
            "unscored 1, cut off 2; raise generation.max_new_tokens",
        ),
        ({"not judged: unscored": 1, "no loss: overflow": 9}, ""),
    ],
)
def test_the_remedy_is_that_of_most_prompts_left_out(
    drops: dict[str, int], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(evaluate.log, "warning", lambda line, *values: said.append(line % values))
    evaluate.tell_unjudged(EvaluateConfig(name="m1"), Counter(drops), 1)
    assert len(said) == bool(told) and told in "".join(said)


@pytest.mark.slow
def test_a_prompt_set(tiny: str, tmp_path: Path) -> None:
    prompts = [{"prompt": "Name a river."}, {"prompt": "Name a tree.", "completion": None}]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    command = ["evaluate.py", "tracking=none", f"output_root={tmp_path}", f"model_path={tiny}", "engine.dtype=float32"]
    command += [f"heldout={tmp_path}/prompts.jsonl", "generation.max_new_tokens=4", "generation.unfinished=keep"]
    refused = one_line_error(run(*command, "name=base"))
    assert refused == (
        f"heldout={tmp_path}/prompts.jsonl: prompts without outputs have no loss to measure; "
        "set judge.path= to have answers written and judged"
    )
    for name, *reference in (("base",), ("again", f"reference={tmp_path}/evals/base")):
        judge = [f"judge.path={tiny}", *reference]
        if reference:
            refused = one_line_error(run(*command, f"name={name}", *judge))
            assert refused.startswith(
                f"judge.path={tiny}: is one of the two models that it compares; name another judge"
            )
            judge.append("judge.may_judge_itself=true")
        result = run(*command, f"name={name}", *judge)
        assert result.returncode == 0, result.stderr
    folder = tmp_path / "evals" / "again"
    assert [(row.instruction, row.human, row.labels) for row in read(folder, Answer)] == [
        ("Name a river.", "", 0),
        ("Name a tree.", "", 0),
    ]
    assert [verdict.outcome for verdict in read(folder, Verdict, "verdicts")] == ["tie", "tie"]
    metrics = artifacts.load(folder).metrics
    assert (metrics["win_rate"], metrics["prompts"]) == (0.5, 2)
    assert not [name for name in metrics if name.startswith("heldout")]
    answers = read_outputs(folder / "model_outputs.json")
    assert [(row.instruction, row.generator) for row in answers.values()] == [
        ("Name a river.", "again"),
        ("Name a tree.", "again"),
    ]
    told = read_annotations(folder / "annotations.json")
    assert [(each.output_1, each.output_2, each.generator_1) for each in told] == [
        (row.output, row.output, "base") for row in answers.values()
    ]
