"""The score parser against the failures of the published reimplementation."""

import pytest

from humpback_exp.curation.scoring import gain, parse_score


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
        ("", None),
        ("\n \n", None),
    ],
)
def test_parse_score(completion: str, score: float | None) -> None:
    assert parse_score(completion) == score


def test_gain_is_what_the_instruction_saves() -> None:
    assert gain(unconditional=3.5, conditional=2.25) == 1.25
