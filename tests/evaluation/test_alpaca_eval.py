"""AlpacaEval's arithmetic on its own stored verdicts: the published figures to the last digit that is printed."""

import json
from pathlib import Path

import numpy as np
import pytest

from humpback_exp.evaluation.alpaca_eval import Annotation, read_annotations, win_rate
from humpback_exp.evaluation.length_control import (
    at_equal_length,
    best_strength,
    difficulties,
    length_controlled,
    read_length_control,
    training_rows,
)
from tests.conftest import SHARED, run

STORED = SHARED / "alpaca_eval"
stored = pytest.mark.skipif(not STORED.exists(), reason="AlpacaEval's stored verdicts are not beside the checkout")
CONTROL = (
    STORED / "length_controlled/instruction_difficulty.csv",
    STORED / "text_davinci_003/model_outputs.json",
    STORED / "length_controlled/gamed_surrogate.csv",
)


@stored
def test_the_published_win_rate_of_guanaco() -> None:
    found = win_rate(read_annotations(STORED / "guanaco-65b/annotations_v1_gpt4.json"))
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
        ((None, 2), "1 of 2 verdicts can be read; a win rate needs two"),
    ],
)
def test_verdicts_that_cannot_be_meant_are_refused(tmp_path: Path, preferences: tuple[object, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        win_rate(read_annotations(written(tmp_path / "a.json", *preferences)))


def test_a_file_that_holds_no_annotations_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match="a.json: holds no list of annotations"):
        read_annotations(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps([{"instruction": "x", "preference": 1}]))
    with pytest.raises(ValueError, match="row 1: lacks output_1, output_2"):
        read_annotations(tmp_path / "a.json")


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
