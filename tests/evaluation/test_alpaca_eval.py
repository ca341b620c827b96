"""AlpacaEval's arithmetic on its own stored verdicts: the published figures to the last digit that is printed."""

import json
from pathlib import Path

import numpy as np
import pytest

from humpback_exp.evaluation.alpaca_eval.files import (
    Annotation,
    Output,
    read_annotations,
    read_instructions,
    read_outputs,
    write_rows,
)
from humpback_exp.evaluation.alpaca_eval.length_control import (
    at_equal_length,
    best_strength,
    difficulties,
    length_controlled,
    training_rows,
)
from humpback_exp.evaluation.alpaca_eval.length_control_files import LengthControl, read_length_control
from humpback_exp.evaluation.alpaca_eval.win_rates import by_dataset, compared
from humpback_exp.evaluation.win_rate import WinRate
from tests.conftest import SHARED, run

STORED = SHARED / "alpaca_eval"
stored = pytest.mark.skipif(not STORED.exists(), reason="AlpacaEval's stored verdicts are not beside the checkout")
GUANACO = STORED / "guanaco-65b/annotations_v1_gpt4.json"
CONTROL = (
    STORED / "length_controlled/instruction_difficulty.csv",
    STORED / "text_davinci_003/model_outputs.json",
    STORED / "length_controlled/gamed_surrogate.csv",
)


def win_rate(annotations: list[Annotation]) -> WinRate:
    return by_dataset(annotations, Path("a.json"))["all"]


@stored
def test_the_published_win_rate_of_guanaco() -> None:
    found = win_rate(read_annotations(GUANACO))
    assert (round(found.percent, 5), round(found.error, 5)) == (71.80124, 1.58691)
    assert (found.wins, found.losses, found.ties, found.unscored) == (578, 227, 0, 0)


@stored
def test_the_published_win_rates_of_an_open_assistant_model() -> None:
    annotations = read_annotations(STORED / "oasst-sft-llama-33b/annotations_v2_weighted_gpt4_turbo.json")
    found, control = win_rate(annotations), read_length_control(*CONTROL)
    assert (round(found.percent, 5), round(found.error, 5)) == (4.77039, 0.63859)
    published = np.array([0.0, 0.9706049178865980, -2.9414053278635981])
    assert at_equal_length(published, difficulties(annotations, control)) == pytest.approx(9.86641, abs=1e-5)
    assert length_controlled(annotations, control) == pytest.approx(9.94928, abs=1e-4)
    assert best_strength(training_rows(annotations, control)) == pytest.approx(10 ** (4 / 9))
    assert length_controlled(annotations, control, 10 ** (4 / 3), tolerance=1e-10) == pytest.approx(9.86592, abs=1e-5)


@stored
def test_difficulties_are_joined_by_instruction_whatever_the_order() -> None:
    annotations = read_annotations(STORED / "oasst-sft-llama-33b/annotations_v2_weighted_gpt4_turbo.json")
    control = read_length_control(*CONTROL)
    backwards = length_controlled(annotations[::-1], control, strength=1.0, tolerance=1e-10)
    assert backwards == pytest.approx(length_controlled(annotations, control, strength=1.0, tolerance=1e-10), abs=1e-6)


@stored
def test_length_control_without_its_files_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"df_gamed.csv: no such file; a length-controlled win rate needs AlpacaEval's own"
    ):
        read_length_control(*CONTROL[:2], tmp_path / "df_gamed.csv")
    (tmp_path / "other.csv").write_text("a,b\\n1,2\\n")
    with pytest.raises(ValueError, match="other.csv: lacks the columns index, instruction_difficulty"):
        read_length_control(tmp_path / "other.csv", *CONTROL[1:])
    stranger = [Annotation("What is foreign?", "a", "bb", "", 2.0), Annotation("What is alien?", "aa", "b", "", 1.0)]
    with pytest.raises(ValueError, match="'What is foreign\\?': has no difficulty"):
        length_controlled(stranger, read_length_control(*CONTROL))


def written(path: Path, *preferences: object) -> Path:
    rows = [
        {"instruction": str(i), "output_1": "a", "output_2": "b", "preference": p} for i, p in enumerate(preferences)
    ]
    path.write_text(json.dumps(rows))
    return path


def test_an_unread_verdict_is_counted_and_is_neither_tie_nor_loss(tmp_path: Path) -> None:
    found = win_rate(read_annotations(written(tmp_path / "a.json", 2, 2, 1, None, float("nan"), 0, 1.5)))
    assert (found.wins, found.losses, found.ties, found.unscored) == (2, 1, 2, 2)
    assert found.percent == pytest.approx(100 * (1 + 1 + 0 + 0.5 + 0.5) / 5)


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ((3,), "row 1: preference=3: must lie in"),
        (("A", 2), "row 1: preference='A': must be a number"),
        ((None, 2), "annotations=a.json: 1 of 2 verdicts can be read; a win rate needs two"),
    ],
)
def test_verdicts_that_cannot_be_meant_are_refused(tmp_path: Path, preferences: tuple[object, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        win_rate(read_annotations(written(tmp_path / "a.json", *preferences)))


def test_a_file_that_holds_no_annotations_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match="a.json: holds no list of rows; give AlpacaEval's annotations.json"):
        read_annotations(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps([{"instruction": "x", "preference": 1}]))
    with pytest.raises(ValueError, match="row 1: output_1, output_2 must be text"):
        read_annotations(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "cannot be read"),
        ("[1]", "row 1: is int, no object"),
        ('[{"instruction": "x", "output_1": "a", "output_2": "b"}]', "row 1: lacks preference"),
        ('[{"instruction": "x", "output_1": "a", "output_2": null, "preference": 1}]', "row 1: output_2 must be text"),
        (
            '[{"instruction": "x", "output_1": "a", "output_2": "b", "preference": true}]',
            "preference=True: must be a n",
        ),
    ],
)
def test_malformed_verdicts_are_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=said) as refused:
        read_annotations(tmp_path / "a.json")
    assert str(tmp_path / "a.json") in str(refused.value) and "\n" not in str(refused.value)


HOSTILE = 'A "quoted" </script><|im_end|>\u2028 {instruction} answer \U0001f40b'


def test_files_are_written_as_they_are_read(tmp_path: Path) -> None:
    outputs = [Output("one?", HOSTILE, "m1", "vicuna"), Output("two?", "b", "m1", "koala")]
    write_rows(tmp_path / "model_outputs.json", outputs)
    assert read_outputs(tmp_path / "model_outputs.json") == {row.instruction: row for row in outputs}
    verdicts = [
        Annotation("one?", "a", HOSTILE, "vicuna", 1.25, "base", "m1", "judge"),
        Annotation("two?", "a", "b", "", None),
    ]
    write_rows(tmp_path / "annotations.json", verdicts)
    assert read_annotations(tmp_path / "annotations.json") == verdicts
    assert json.loads((tmp_path / "annotations.json").read_text())[1]["preference"] is None


def test_answers_are_joined_by_instruction_and_a_null_one_is_empty(tmp_path: Path) -> None:
    rows = [
        {"instruction": "one?", "output": "a"},
        {"instruction": "two?", "output": None},
        {"instruction": "three?", "output": " "},
    ]
    (tmp_path / "o.json").write_text(json.dumps(rows))
    assert [row.output for row in read_outputs(tmp_path / "o.json").values()] == ["a", "", " "]
    assert read_instructions(tmp_path / "o.json") == ["one?", "two?", "three?"]
    (tmp_path / "o.json").write_text(json.dumps(rows + rows[:1]))
    with pytest.raises(
        ValueError, match="1 instructions stand more than once \\('one\\?'\\); rows are joined by their instruction"
    ):
        read_outputs(tmp_path / "o.json")


def verdicts(*shares: float | None, baseline: str = "a", judge: str = "j") -> list[Annotation]:
    return [
        Annotation(str(i), baseline, "b", "", None if share is None else 1 + share, annotator=judge)
        for i, share in enumerate(shares)
    ]


def test_two_models_are_compared_on_the_instructions_of_both_verdicts_whatever_their_order() -> None:
    ours, theirs = verdicts(*[1.0] * 30, 0.5, None), verdicts(*[0.5] * 30, 1.0, 0.0)
    found = compared(ours, theirs[::-1])
    # Thirty gaps of 50 points and one of -50: an error of sqrt(30 / 31 / 30) * 100 * sqrt(1 / 31) = 3.226, times t(30) = 2.042.
    assert (found.rows, found.value) == (31, pytest.approx(100 * (30 * 0.5 - 0.5) / 31))
    assert (found.low, found.high) == pytest.approx((40.186, 53.362), abs=1e-3) and found.p < 1e-12
    assert compared(theirs, ours).value == -found.value
    even = compared(verdicts(1, 0, 1, 0), verdicts(0, 1, 0, 1))
    assert (even.value, even.p, even.low, even.high) == (0.0, 1.0, -100.0, 100.0)


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (verdicts(1, 0, 1), "about different instructions"),
        (verdicts(1, 0, baseline="c"), "against different baselines"),
        (verdicts(1, 0, judge="k"), r"by different judges \(j, k\)"),
        (verdicts(1, None), "1 instructions have a verdict in both files"),
    ],
)
def test_models_that_were_judged_otherwise_are_not_compared(theirs: list[Annotation], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compared(verdicts(1, 0), theirs)


def test_length_control_names_what_it_cannot_use(tmp_path: Path) -> None:
    write_rows(tmp_path / "o.json", [Output("0", "a", "", ""), Output("1", "b", "", "")])
    files = (tmp_path / "d.csv", tmp_path / "o.json", tmp_path / "g.csv")
    files[2].write_text("preference,std_delta_len,instruction_difficulty\n0.5,0.1,0.2\n")
    for cell, said in (("7,1", "index 7 is beyond the 2 instructions of"), ("-1,1", "index -1 is"), ("0.5,1", "index 0.5 is"),
                       ("x,1", "is no number"), ("0,nan", "is not finite"), ("0", "is no number")):  # fmt: skip
        files[0].write_text(f"index,instruction_difficulty\n{cell}\n")
        with pytest.raises(ValueError, match=said):
            read_length_control(*files)
    same = LengthControl({"0": 0.1, "1": 0.2}, np.array([[0.5, 0.1, 0.2]]))
    with pytest.raises(ValueError, match="2 verdicts: all differ by the same length"):
        length_controlled(verdicts(1, 0), same)


@stored
def test_the_command_prints_both_win_rates_and_those_of_each_data_set() -> None:
    difficulty, instructions, gamed = CONTROL
    result = run(
        "report.py",
        f"annotations={STORED}/oasst-sft-llama-33b/annotations_v2_weighted_gpt4_turbo.json",
        f"length_control.difficulty={difficulty}",
        f"length_control.instructions={instructions}",
        f"length_control.gamed={gamed}",
    )
    assert result.returncode == 0, result.stderr
    assert "4.77039" in result.stdout and "helpful_base" in result.stdout
    assert "length-controlled win rate: 9.94928 %" in result.stdout


@stored
def test_the_command_compares_two_models(tmp_path: Path) -> None:
    annotations = read_annotations(GUANACO)
    write_rows(tmp_path / "reversed.json", annotations[::-1])
    result = run("report.py", f"annotations={GUANACO},{tmp_path}/reversed.json")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("71.80124") == 2
    assert result.stdout.splitlines()[-1].split() == ["0.00000", "0.00000", "0.00000", "1.00000", "805"]
