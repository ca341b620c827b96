"""Pages of questions become held-out pairs, and no segment repeats one of them."""

import json
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, SegmentConfig, TrackingConfig
from humpback_exp.corpus import questions
from humpback_exp.corpus.segments import cut
from humpback_exp.execution.launch import launch
from humpback_exp.records import DroppedSegment, HeldoutPair, Segment, read
from tests.stages.test_segment import prose

ANSWER = "The cellar holds {0} old barrels, and whoever counts them writes the number {0} into the ledger by the door at night."


def faq(count: int = 6) -> str:
    asked = "".join(f"<h2>How many are {n}?</h2><p>{ANSWER.format(n)}</p>" for n in range(count))
    return f"<html><body><h1>Questions</h1>{asked}<h2>Why so short?</h2><p>No.</p></body></html>"


def config(tmp_path: Path, pages: Path, name: str = "web") -> SegmentConfig:
    return SegmentConfig(
        output_root=str(tmp_path / "out"),
        name=name,
        corpus=CorpusConfig(path=str(pages), questions=True),
        tracking=TrackingConfig(mode="none"),
        workers=1,
        chunk_size=2,
    )


def asked_on(html: str) -> list[str]:
    return [section.header for section in questions.on_page(list(cut("p.html", html.encode())))]


def test_a_page_is_one_of_questions_by_its_innermost_headers() -> None:
    three = "<h1>Guide?</h1><h2>A?</h2>a<h2>B ?</h2>b<h2>C？</h2>c"
    assert asked_on(three) == ["A?", "B ?", "C？"]
    assert asked_on(three + "<h2>D</h2>d<h2>E</h2>e<h2>F</h2>f") == ["A?", "B ?", "C？"]
    assert asked_on(three + "<h2>D</h2>d<h2>E</h2>e<h2>F</h2>f<h2>G</h2>g") == []
    assert asked_on("<h1>A?</h1>a<h1>B?</h1>b") == []


def test_held_out_pairs_and_what_repeats_them(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text(f"<h1>Apart</h1><p>{prose(0)}</p>")
    (pages / "b.html").write_text(f"<h1>Repeats</h1><p>{prose(1)} {ANSWER.format(2).upper()}</p>")
    (pages / "faq.html").write_text(faq())
    (pages / "mirror.html").write_text(faq().replace("ledger", "ledger, the old one,"))
    folder = launch(config(tmp_path, pages))
    manifest = artifacts.load(folder)
    assert [row.url for row in read(folder, Segment)] == ["a.html"]
    assert {row.reason for row in read(folder, DroppedSegment, "dropped") if row.url == "b.html"} == {
        "overlaps a held-out pair"
    }
    assert manifest.drops["overlaps a held-out pair"] == 1
    assert manifest.drops["on a page of questions"] == 2  # the whole page; its parts are too short for segments
    assert (manifest.rows["held-out pairs, development"], manifest.rows["held-out pairs, test"]) == (3, 3)
    halves = [
        [json.loads(line) for line in (folder / "heldout" / f"{half}.jsonl").read_text().splitlines()]
        for half in ("development", "test")
    ]
    rows = sorted((row for half in halves for row in half), key=lambda row: str(row["instruction"]))
    assert [(row["page"], row["instruction"], row["output"]) for row in rows] == [
        ("faq.html", f"How many are {n}?", ANSWER.format(n)) for n in range(6)
    ]
    (pages / "zz.html").write_text(f"<h1>More</h1><p>{prose(3)}</p>")
    again = launch(config(tmp_path, pages, "more"))
    for half in ("development", "test"):
        assert (again / "heldout" / f"{half}.jsonl").read_bytes() == (folder / "heldout" / f"{half}.jsonl").read_bytes()


def test_thirteen_words_in_a_row_are_an_overlap() -> None:
    words = [f"w{n}" for n in range(20)]
    pairs = questions.HeldoutPairs([HeldoutPair(id="0", page="p", instruction="Why?", output=" ".join(words))])
    assert pairs.repeated_in("x " + ", ".join(words[4:17]).upper() + " y")
    assert not pairs.repeated_in("x " + " ".join(words[4:16]) + " y")


def test_a_corpus_without_questions_is_refused(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text(f"<h1>Apart</h1><p>{prose(0)}</p>")
    with pytest.raises(
        ValueError, match="corpus.questions=true: .* has no page of questions .*; 2 are needed: give heldout= pairs"
    ):
        launch(config(tmp_path, pages))


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("How do I install it? 🚀", "How do I install it?"),
        ("🚀 Is it done?▼", "Is it done?"),
        ("What is a label? expand_more", "What is a label?"),
        ("How do I install it? (Linux)", "How do I install it? (Linux)"),
        ("“Is it free?”", "Is it free?"),
        ("¿Es libre?", "¿Es libre?"),
        ("Τι είναι αυτό;", "Τι είναι αυτό;"),
        ("`x` is what?", "`x` is what?"),
        ("Wait; then go on;", ""),
        ("Why? Because of the rain", ""),
        ("?", ""),
        ("Why " + 300 * "so " + "?", ""),
        ("Was this page helpful?", ""),
        ("What’s next?", ""),
        ("Need more help?", ""),
        ("Still have questions?", ""),
        ("What's new in 3.11?", "What's new in 3.11?"),
        ("Is this useful for systems in real time?", "Is this useful for systems in real time?"),
    ],
)
def test_the_question_of_a_header(header: str, asked: str) -> None:
    assert questions.asked_in(header) == asked


def test_pages_that_ask_their_readers_are_no_pages_of_questions() -> None:
    guide = (
        "<h1>Guide</h1><h2>Start</h2>a<h2>What's next?</h2>b<h2>Was this page helpful?</h2>c<h2>Need more help?</h2>d"
    )
    assert asked_on(guide) == []


STEPS = ["Open the settings of the project", "Choose the runner that you want to leave", "Press the red button twice"]


def held(*pairs: tuple[str, str]) -> questions.HeldoutPairs:
    return questions.HeldoutPairs(
        HeldoutPair(id=f"p#{at}", page="p", instruction=asked, output=answer)
        for at, (asked, answer) in enumerate(pairs)
    )


def test_marks_of_lists_hide_no_copy() -> None:
    numbered = "\n".join(f"{at}. {step}" for at, step in enumerate(STEPS, start=1))
    known = held(("How do I leave?", numbered))
    assert known.repeated_in("Before\n" + "\n".join(f"- {step}" for step in STEPS))
    assert known.repeated_in("\n".join(f"{at}. {step}" for at, step in enumerate(STEPS, start=2)))
    assert not known.repeated_in(f"{STEPS[1]}, says the guide")


def test_a_short_answer_is_looked_for_as_a_whole() -> None:
    short = (
        "Enable authentication through environment variables before starting the background synchronization service."
    )
    known = held(("How?", short), ("What then?", short), ("Why?", " ".join(STEPS)))
    assert [pair.instruction for pair in known.rows] == ["How?", "Why?"]
    assert known.copies == 1
    assert known.repeated_in(f"As said: {short} Then wait.")
    assert not known.repeated_in(short.replace("Enable", "Allow"))


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    answer = "設定画面を開いて、左の一覧から利用者を選び、右上の赤い釦を押してから確認を待ちます。"
    known = held(("どうしますか？", answer))
    assert known.repeated_in(f"案内：{answer}終わり")
    assert known.repeated_in("まず、" + answer[4:34])
    assert not known.repeated_in("まず、" + answer[4:28])


def test_what_all_answers_of_a_page_say_makes_no_copies() -> None:
    closing = (
        "If this does not answer your question, please write to our support team and tell them what you have tried."
    )
    known = held(*((f"How {at}?", f"{prose(at)} {closing}") for at in range(4)))
    assert (len(known.rows), known.copies) == (4, 0)
    assert not known.repeated_in(f"{prose(9)} {closing}")
    assert known.repeated_in(f"{prose(2)} {closing}")
    assert len(held(*((f"How {at}?", closing) for at in range(4))).rows) == 1


def test_answers_that_are_none_are_told(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text(f"<h1>Apart</h1><p>{prose(0)}</p>")
    asked = "".join(f"<h2>How are {n}?</h2><p>Fine.</p>" for n in range(4)) + f"<h2>Why?</h2><p>{ANSWER}</p>"
    (pages / "faq.html").write_text(f"<h1>Questions</h1>{asked}")
    said = "has 5 questions on its pages of questions, 1 to hold out, answer: too short 4; 2 are needed: give heldout= pairs"
    with pytest.raises(ValueError, match=said):
        launch(config(tmp_path, pages))
    (pages / "faq.html").write_text(faq())
    assert artifacts.load(launch(config(tmp_path, pages, "more"))).drops["answer: too short"] == 1
