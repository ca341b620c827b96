"""Instruction gain and question selection: which questions are asked, what is read, and the figures."""

import math
from dataclasses import replace

import pytest

from humpback_exp.evaluation import question_selection
from humpback_exp.prompts import forward
from humpback_exp.records import Example, QuestionLosses


def example(pair_id: str, output: str = "Because.") -> Example:
    return Example(id=pair_id, source="seed", instruction=f"Why {pair_id}?", output=output)


ONE_PAGE = [example(f"a.html#{n}") for n in range(6)]
OTHER_PAGE = [example("b.html#0"), example("b.html#1")]


class Scripted:
    """Losses by the question, and all that was asked."""

    def __init__(self, losses: dict[str, tuple[float, int]]) -> None:
        self.found, self.conversations, self.targets = losses, [], []

    def losses(self, conversations, targets, advance):
        self.conversations, self.targets = conversations, targets
        return [self.found.get(c[-1]["content"], (6.0, 2)) for c in conversations]


def test_other_questions_are_of_the_same_page_before_all_others() -> None:
    drawn = question_selection.other_questions([*ONE_PAGE, *OTHER_PAGE])
    of_page = {pair.instruction for pair in ONE_PAGE}
    for pair, others in zip(ONE_PAGE, drawn, strict=False):
        assert len(set(others)) == 4 and set(others) < of_page - {pair.instruction}
    first, second = drawn[-2:]
    assert (first[0], second[0]) == ("Why b.html#1?", "Why b.html#0?")
    assert set(first[1:]) < of_page and len(set(first)) == 4
    assert question_selection.other_questions([*ONE_PAGE[::-1], *OTHER_PAGE])[-2:] == drawn[-2:]


def test_a_question_that_stands_twice_is_one_of_the_others() -> None:
    copies = [replace(ONE_PAGE[1], id=f"a.html#copy{n}") for n in range(20)]
    drawn = question_selection.other_questions([*ONE_PAGE, *copies])[0]
    assert sorted(set(drawn)) == sorted(drawn) and len(drawn) == 4


def test_every_answer_is_read_once_behind_each_question_that_is_not_known() -> None:
    engine = Scripted({ONE_PAGE[0].instruction: (2.0, 2)})
    pairs = [*ONE_PAGE[:5], example("c.html#0", output="")]
    rows = question_selection.read(engine, pairs, {"a.html#1": (4.0, 2)}, ["seed"], print)
    assert len(engine.conversations) == 24 and engine.targets == ["Because."] * 24
    assert engine.conversations[0] == forward("Why a.html#0?", ["seed"])
    assert engine.conversations[1:5] == [forward(question, ["seed"]) for question in rows[0].questions]
    assert engine.conversations[5:9] == [forward(question, ["seed"]) for question in rows[1].questions]
    assert [row.loss for row in rows] == [1.0, 2.0, 3.0, 3.0, 3.0]
    of_first = [[1.0 if question == ONE_PAGE[0].instruction else 3.0 for question in row.questions] for row in rows]
    assert [row.losses for row in rows] == of_first
    assert rows[0].losses == [3.0] * 4 and sorted(rows[1].losses) == [1.0, 3.0, 3.0, 3.0]
    assert [row.labels for row in rows] == [2] * 5


def row(pair_id: str, labels: int, loss: float, *losses: float) -> QuestionLosses:
    return QuestionLosses(id=pair_id, labels=labels, loss=loss, questions=["p", "q"], losses=list(losses))


ROWS = [row("x", 10, 2.0, 3.0, 4.0), row("y", 30, 2.0, 1.0, 4.0), row("z", 9, 2.0, 2.0, math.nan)]


def test_figures_over_tokens_and_over_pairs() -> None:
    found = question_selection.summary(ROWS)
    assert found["instruction_gain"] == pytest.approx((1.5 * 10 + 0.5 * 30) / 40)
    assert found["question_selection"] == 50.0 and found["question_selection_error"] == pytest.approx(50.0)
    tie = question_selection.summary([row("x", 1, 2.0, 2.0, 3.0)])
    assert tie["question_selection"] == 0.0
    assert (found["question_selection_pairs"], tie["question_selection_pairs"]) == (2, 1)


def test_changes_are_paired_and_only_between_the_same_questions() -> None:
    theirs = {"x": row("x", 10, 2.0, 1.0, 2.0), "y": row("y", 30, 2.0, 1.0, 4.0), "z": ROWS[2]}
    found = question_selection.difference(ROWS, theirs)
    assert found["instruction_gain_change"] == pytest.approx(2.0 * 10 / 40)
    assert found["question_selection_change"] == 50.0
    theirs["x"].questions = ["p", "r"]
    assert question_selection.difference(ROWS, theirs)["instruction_gain_change"] == 0.0
    assert question_selection.difference(ROWS, {}) == {}
    theirs["y"].labels = 31  # of another tokenizer
    assert question_selection.difference(ROWS, theirs) == {}
