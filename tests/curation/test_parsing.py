"""The score parser against the failures of the published reimplementation; the expected score."""

import math

import pytest

from humpback_exp.curation.parsing import expectation, gain, parse_score


@pytest.mark.parametrize(
    ("completion", "score"),
    [
        ("The answer is good.\nScore: 4", 4.0),
        ("Brief.\n\nScore: 5\n", 5.0),
        ("score:1", 1.0),
        ("Fine.\n**Score: 3**", 3.0),
        ("Fine.\nScore: **2**.", 2.0),
        ("Fine.\nScore: 4/5", 4.0),
        ("Fine.\nScore: 4.0", 4.0),
        ("Score: 2\nOn reflection\nScore: 3", 3.0),
        ("Score: 4\nbecause it is clear", None),
        ("I would give it a score: 4", None),
        ("The score is 4", None),
        ("Score: 0", None),
        ("Score: 6", None),
        ("Score: 10", None),
        ("Score: 728", None),
        ("Score: 10502", None),
        ("Score: 4.5", None),
        ("Score: 4-5", None),
        ("Score: four", None),
        ("Score:", None),
        ("Score: 4 out of 10", None),
        ("Score: 4/10", None),
        ("Score: ٤", None),
        ("Score: [5]", 5.0),
        ("Score: [[4]]/5", 4.0),
        ("[5]", 5.0),
        ("Score: 5 out of 5", 5.0),
        ("5 out of 5", 5.0),
        ("## Score: 5", 5.0),
        ("Final score: 5", 5.0),
        ("**Overall Score:** 3", 3.0),
        ("- Score: 2", 2.0),
        ("Score：５", 5.0),
        ("Score: 5</s>", 5.0),
        ("Score: 5<|im_end|>", 5.0),
        ("Score: 5\n```", 5.0),
        ("<think>Score: 2</think>\nScore: 4", 4.0),
        ("<think>\nScore: 4", None),
        ("Score: 5/10", None),
        ("[4-5]", None),
        ("Score: [4, 5]", None),
        ("Score: 4 to 5", None),
        ("Score: 4–5", None),
        ("Score: 4½", None),
        ("Score: -5", None),
        ("Score: 5 out of 50", None),
        ("10 out of 5", None),
        ("Score: 4 or 5", None),
        ("4/5", None),
        ("- [5]", 5.0),
        ("Score: **4**/5", 4.0),
        ("Score: (4)", 4.0),
        ("(Score: 4)", 4.0),
        ("[Score: 4]", 4.0),
        ('Score: "4"', 4.0),
        ("“Score: 4”", 4.0),
        ("Score: <4>", 4.0),
        ("<b>Score: 4</b><br/>", 4.0),
        ("<score>4</score>", 4.0),
        ("Score: 4\n</answer>", 4.0),
        ("Score: \\boxed{4}", 4.0),
        ("$\\boxed{4}$", 4.0),
        ('{"score": 4}', 4.0),
        ('{\n  "reason": "clear",\n  "score": 4\n}', 4.0),
        ("Score = 4", 4.0),
        ("Rating: 4", 4.0),
        ("Score: 4 points", 4.0),
        ("Score: 4/5 stars", 4.0),
        ("Score: 4 of 5", 4.0),
        ("Score: 4 [out of 5]", 4.0),
        ("Score (1-5): 4", 4.0),
        ("3. Score: 4", 4.0),
        ("Score:\n4", 4.0),
        ("Fine.\n**Score:**\n\n**4**", 4.0),
        ("\ufeffScore:\u200b4\u200b", 4.0),
        ("Score: 4\ufe0f\u20e3", 4.0),
        ("Score: 4。", 4.0),
        ("Score: 4<|im_end|>\n<|im_start|>user\nScore: 1", 4.0),
        ("Score: <4", None),
        ("Score: >4", None),
        ("Score: (4-5)", None),
        ("Score: (4)(5)", None),
        ("Score: **4**5", None),
        ("Score: \\frac{4}{5}", None),
        ("Score: <del>4</del>", None),
        ("Score: ~~2~~ 4", None),
        ("Score: 4 (out of 10)", None),
        ("Score: 4 (was 5)", None),
        ("Score: 80%", None),
        ("Score (1-10): 4", None),
        ("Score: 4,5", None),
        ("Score: 4th", None),
        ("Quality score: 4", None),
        ("Score: ⭐⭐⭐⭐", None),
        ('{"clarity": 4, "score": 5}', None),
        ("4", None),
        ("Fine.\n4", None),
        ("", None),
        ("\n \n", None),
    ],
)
def test_parse_score(completion: str, score: float | None) -> None:
    assert parse_score(completion) == score


@pytest.mark.parametrize(
    ("completion", "score"), [("Score: 0", 1.0), ("Score: 1", 1.0), ("Score: 5", 5.0), ("Score: 6", None), ("0", None)]
)
def test_a_rubric_from_zero_reads_zero_as_the_lowest_level(completion: str, score: float | None) -> None:
    assert parse_score(completion, lowest=0) == score


def test_the_expected_score_is_the_mean_over_what_fell_on_the_digits() -> None:
    assert expectation(range(1, 6), [0.0, 0.0, 0.125, 0.125, 0.25]) == ((3 + 4 + 2 * 5) / 4, 0.5)
    assert expectation(range(6), [0.25, 0.25, 0.0, 0.0, 0.0, 0.5]) == (3.0, 1.0)


def test_no_digit_and_no_room_have_no_expected_score() -> None:
    assert expectation(range(1, 6), [0.0] * 5) == (None, 0.0)
    assert expectation(range(1, 6), [math.nan] * 5) == (None, None)


def test_probabilities_that_sum_to_more_than_1_have_no_expected_score() -> None:
    assert expectation(range(1, 3), [0.9, 0.9]) == (None, 1.8)
    assert expectation(range(1, 3), [0.5, 0.5005])[0] == pytest.approx(1.5, abs=1e-3)


def test_gain_is_what_the_instruction_saves() -> None:
    assert gain(unconditional=3.5, conditional=2.25) == 1.25
