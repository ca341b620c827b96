"""The order of items and sides, the test before the work, and who gets what."""

import json
from pathlib import Path

import pytest

from humpback_exp.annotation.items import Item, Study, study
from humpback_exp.annotation.session import Rules, Session, session
from humpback_exp.annotation.store import Store
from humpback_exp.config import AnnotateConfig, RubricConfig
from tests.annotation.evaluations import candidates, evaluation
from tests.conftest import ROOT

TEST = [
    {"instruction": "2 + 2?", "answers": ["4", "5"], "choice": "first"},
    {"instruction": "Rhyme on cat.", "answers": ["hat", "bat"], "choice": "neither"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ours", "theirs", "third"):
        evaluation(tmp_path, name, [f"{name} says {number}" for number in range(6)])
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in TEST))
    return tmp_path


def made(root: Path, **options: object) -> Study:
    return study(AnnotateConfig(output_root=str(root), **{"evals": ["ours", "theirs"]} | options))


def at(items: Study, store: Store, rater: str = "r1", **rules: object) -> Session:
    return session(items, Rules(**{"pass_mark": 0.85, "overlap": None, "reasons": True} | rules), store, rater)


def judge(items: Study, store: Store, rater: str, *values: int) -> None:
    """What a rater chooses for his next items, with the sides put back."""
    for value in values:
        item = at(items, store, rater).shown()["item"]
        store.keep(rater, item["id"], value, False, "because", 1.0, 0)


def in_order(items: Study, rater: str) -> list[Item]:
    return sorted(items.work, key=lambda item: items.rank(rater, item))


def test_items_and_sides_have_an_order_of_each_raters_own_that_stays(root: Path) -> None:
    items = made(root)
    orders = {rater: [item.source for item in in_order(items, rater)] for rater in ("r1", "r2")}
    assert orders["r1"] != orders["r2"] and sorted(orders["r1"]) == sorted(orders["r2"])
    assert orders["r1"] == [item.source for item in in_order(made(root), "r1")]
    sides = [items.swapped(f"r{n}", item) for n in range(50) for item in items.work]
    assert 0.4 < sum(sides) / len(sides) < 0.6


def test_evaluations_of_one_name_are_told_apart_by_their_paths(root: Path, tmp_path: Path) -> None:
    evaluation(tmp_path / "other", "theirs", [f"others say {number}" for number in range(6)])
    folders = [f"{root}/evals/ours", f"{root}/evals/theirs", f"{tmp_path}/other/evals/theirs"]
    items = made(root, evals=folders)
    assert len({item.id for item in items.work}) == 12
    assert {item.models for item in items.work} == {(folders[0], folders[1]), (folders[0], folders[2])}


def test_a_line_of_the_test_ends_with_its_line_break_alone(root: Path) -> None:
    lines = [line | {"instruction": "2\u2028+\x852?"} for line in TEST[:1]]
    (root / "test.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    assert [item.prompt for item in made(root, screening=f"{root}/test.jsonl").test] == ["2\u2028+\x852?"]


def test_a_page_is_told_nothing_of_the_models(root: Path, tmp_path: Path) -> None:
    told = json.dumps(at(made(root), Store(tmp_path / "s", "f", "")).shown())
    assert '"p' not in told.replace('"phase"', "").replace('"prompt"', "").replace('"previous"', "")
    assert "models" not in told and "source" not in told and "swapped" not in told


def test_the_first_evaluation_meets_each_of_the_others(root: Path) -> None:
    work = made(root, evals="ours,theirs,third").work
    assert sorted((item.models, item.source) for item in work) == sorted(
        (("ours", other), f"p{n}") for other in ("theirs", "third") for n in range(6)
    )
    assert len(made(root, items=4).work) == 4


@pytest.mark.parametrize(
    ("known_first", "known_neither", "phase", "score"),
    [(1, 0, "work", 1.0), (1, 1, "failed", 0.75), (0, 0, "failed", 0.75), (-1, 0, "failed", 0.5)],
)
def test_a_test_is_passed_by_more_than_its_mark(
    root: Path, tmp_path: Path, known_first: int, known_neither: int, phase: str, score: float
) -> None:
    items, store = made(root, screening=str(root / "test.jsonl")), Store(tmp_path / "s", "f", "")
    assert at(items, store).shown()["phase"] == "test" and at(items, store).shown()["total"] == 2
    for item in items.test:
        store.keep("r1", item.id, known_first if item.known else known_neither, False, "because", 1.0, 0)
    assert (at(items, store).phase, at(items, store).score) == (phase, score)
    assert (at(items, store).shown()["item"] is None) == (phase == "failed")
    assert at(items, store).find(items.test[0].id) is None
    assert at(items, store, pass_mark=score).phase == "failed"


def test_an_item_goes_to_no_more_raters_than_asked(root: Path, tmp_path: Path) -> None:
    items, store = made(root), Store(tmp_path / "s", "f", "")
    judge(items, store, "r1", 1, 1, 1, 1)
    judge(items, store, "r2", 1, 1, 1)
    left = [item.id for item in at(items, store, "r3", overlap=1).waiting(items.work)]
    assert set(left) == {item.id for item in items.work} - store.counts().keys()
    assert at(items, store, "r3").shown()["total"] == 6


def test_a_rater_goes_back_one_by_one_and_on_where_he_was(root: Path, tmp_path: Path) -> None:
    items, store = made(root), Store(tmp_path / "s", "f", "")
    judge(items, store, "r1", 1, 0)
    order = [item.id for item in in_order(items, "r1")]
    now = at(items, store).shown()
    assert (now["done"], now["item"]["id"], now["previous"]) == (2, order[2], order[1])
    back = at(items, store).shown(order[1])
    assert (back["item"]["reason"], back["item"]["revision"], back["previous"]) == ("because", 1, order[0])
    assert at(items, store).shown(order[0])["previous"] is None


def test_pairs_are_labelled_by_the_levels_of_the_rubric(tmp_path: Path) -> None:
    rubric = RubricConfig(prompt="Rate.\n\n1: Bad.\n5: Perfect.\n\n{instruction}\n{output}")
    folder = candidates(tmp_path, ["first text", "second text", "dropped text"])
    options = {"evals": [], "candidates": folder, "rubric": rubric}
    five = made(tmp_path, scale="five", **options)
    assert sorted(item.texts for item in five.work) == [("first text",), ("second text",)]
    assert [choice.key for choice in five.choices] == ["1", "2", "3", "4", "5"]
    assert five.guidelines[1:] == ["1: Bad.", "5: Perfect."]
    good = made(tmp_path, **options)
    assert [(choice.label, choice.value) for choice in good.choices] == [("Good", 5), ("Not good", 1)]
    assert not any(good.swapped(f"r{n}", item) for n in range(20) for item in good.work)


def test_the_committed_test_has_ten_items_with_a_winner_each(root: Path) -> None:
    known = [item.known for item in made(root, screening=str(ROOT / "examples" / "screening.jsonl")).test]
    assert sorted(known, key=str) == [-1] * 5 + [1] * 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "bad.jsonl:2: must be a JSON object of instruction, answers and choice"),
        (
            '{"instruction": "a", "answers": ["b"], "choice": "first"}',
            "bad.jsonl:2: needs answers=2 texts and choice one",
        ),
        ('{"instruction": "a", "answers": ["b", "c"], "choice": "A"}', "one of first, neither, second"),
    ],
)
def test_a_line_of_the_test_that_cannot_be_read_is_named(root: Path, line: str, said: str) -> None:
    (root / "bad.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        made(root, screening=str(root / "bad.jsonl"))


def test_evaluations_of_other_prompts_are_refused(root: Path) -> None:
    evaluation(root, "elsewhere", [])
    with pytest.raises(ValueError, match="evals=.*elsewhere: answers no prompt that .*ours answers"):
        made(root, evals=["ours", "elsewhere"])
