"""Whole prompts of the shipped rubrics, as the rating model reads them. A changed word here is a changed measurement."""

import pytest
import yaml

from humpback_exp.config import RubricConfig
from humpback_exp.prompts import rating
from tests.conftest import ROOT
from tests.test_configs import composed, options
from tests.test_prompts import S_A, render

FIVE_POINT = """\
Below are a request from a user and a candidate answer. Judge whether the answer is a good example of how an AI assistant should respond to the request, on this scale:

1: Unusable. The answer is incomplete, vague, off topic, controversial, or not what was asked. Signs: content is missing, a numbered list does not begin at its start, the opening repeats the question, it tells somebody else's personal experience as a blog or forum would, or it holds advertising, navigation or other irrelevant text.
2: The answer covers most of the request but does not address it directly, for example with a general approach instead of the exact solution.
3: Helpful, complete and self-contained, but not in an assistant's voice: it reads like an extract of a blog, a web page or a search result, with personal opinions, a comments section or share buttons.
4: Written from an assistant's point of view and focused on the request; complete, clear, well organised and helpful, with nothing missing or irrelevant. Small room for improvement, such as being more concise or focused.
5: A perfect answer by an AI assistant. It looks written on purpose for this request, without an irrelevant sentence; expert, well written, logical, easy to follow, engaging and insightful.

Request:
Cook {output}.

Answer:
Boil it.

First give a brief reason for your rating. Then write, as the last line, "Score: " followed by the rating, a number from 1 to 5."""  # noqa: E501

ADDITIVE = """\
Below are a request from a user and a candidate answer. Rate the answer from 0 to 5: begin at 0 and add one point for each of these criteria that it meets. They build on each other.

1. It has to do with the request and says something about it, even if parts are missing or beside the point.
2. It covers a good part of what was asked, though it may not settle the request.
3. It deals with the essentials of the request in a way that helps the person who asked, whether or not an AI assistant wrote it.
4. It reads as an AI assistant's own reply to this very request: direct, complete, well organised, without anything of a web page, a blog or a forum around it. Only small things could be better.
5. Nothing could be better: it is expert, insightful and engaging, made for this request, without a needless or missing sentence.

Request:
Cook {output}.

Answer:
Boil it.

First say briefly which criteria are met. Then write, as the last line, "Score: " followed by the total, a number from 0 to 5."""  # noqa: E501

INSTRUCTION_ONLY = """\
Below is a request that a user might send to an AI assistant. Judge whether it is a good request to learn from, on this scale:

1: No request at all: a fragment, a heading, an answer, gibberish, or advertising.
2: One can guess what is wanted, but it is vague, garbled, or refers to something that is not shown, such as "this page" or "the text above".
3: It can be understood and answered, but it is clumsy, needlessly narrow, or asks for several unrelated things.
4: A clear request that stands by itself and that people may well send. Small room for improvement.
5: A perfect request: clear, specific, natural, worth answering, with all that is needed to answer it.

Request:
Cook {output}.

First give a brief reason for your rating. Then write, as the last line, "Score: " followed by the rating, a number from 1 to 5."""  # noqa: E501

PROMPTS = {"five_point": FIVE_POINT, "additive": ADDITIVE, "instruction_only": INSTRUCTION_ONLY}


def rubric(name: str) -> RubricConfig:
    return RubricConfig(**yaml.safe_load((ROOT / "conf" / "rubric" / f"{name}.yaml").read_text()))


def test_no_rubric_is_untested() -> None:
    assert options("rubric") == sorted(PROMPTS)


@pytest.mark.parametrize("name", PROMPTS)
def test_whole_rendered_prompts(byte_tokenizer, name: str) -> None:
    asked = rating(rubric(name).prompt, "Cook {output}.", "Boil it.")
    assert render(byte_tokenizer, "inst", asked) == f"<s>[INST] {PROMPTS[name]} {S_A} [/INST]"
    assert rubric(name).name == name


def test_what_each_rubric_offers() -> None:
    assert {name: list(rubric(name).ratings) for name in PROMPTS} == {
        "five_point": [1, 2, 3, 4, 5],
        "additive": [0, 1, 2, 3, 4, 5],
        "instruction_only": [1, 2, 3, 4, 5],
    }
    assert [name for name in PROMPTS if not rubric(name).rates_output] == ["instruction_only"]


@pytest.mark.parametrize("name", PROMPTS)
def test_the_rubric_stands_before_the_pair_so_that_it_is_read_once(name: str) -> None:
    one, two = (rating(rubric(name).prompt, *pair)[-1]["content"] for pair in (("a", "b"), ("cc", "dd")))
    shared = next(i for i, letters in enumerate(zip(one, two, strict=False)) if letters[0] != letters[1])
    assert shared > 0.75 * len(one)


def test_further_rubrics_of_a_gate_are_composed_beside_the_chosen_one() -> None:
    made = composed("gate", "rubric=additive", "+rubric@rubrics.other=instruction_only", "scorers=[expected]")
    assert (made.rubric.name, made.rubric.lowest) == ("additive", 0)
    assert {key: value.name for key, value in made.rubrics.items()} == {"other": "instruction_only"}
