"""Generated text -> instruction, or the reason to drop it."""

import json
import re
from collections import Counter

import pytest

from humpback_exp.augmentation.instructions import clean, drop_reason
from humpback_exp.data.seed import load_seed
from humpback_exp.prompts import BACKWARD
from tests.conftest import ROOT, SHARED

OUTPUT = (
    "A vacuum rebuilds the database file, repacking it into a minimal amount of disk space and removing free pages."
)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ('  "How does VACUUM work?" ', "How does VACUUM work?"),
        ("Instruction: Explain VACUUM.", "Explain VACUUM."),
        ("question:  What is it?", "What is it?"),
        ('Say "hello" twice', 'Say "hello" twice'),
        ('"Dune" or "Foundation"', '"Dune" or "Foundation"'),
        ("User: Hi\nAgent: Hello\nUser: Help me", "User: Hi\nAgent: Hello\nUser: Help me"),
        ("", ""),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("How does the VACUUM command shrink a database?", ""),
        ("What is the difference between a B-tree and a hash index?", ""),
        ("", "empty"),
        ("...", "empty"),
        ("Explain", "empty"),
        ("What is the most likely question or instruction for which it would be a great answer?", "echoes the prompt"),
        (BACKWARD, "echoes the prompt"),
        ("What is the most likely question or instruction for a developer?", "echoes the prompt"),
        ("What is the most likely cause of a locked database?", ""),
        (
            "A vacuum rebuilds the database file, repacking it into a minimal amount of disk space",
            "restates the output",
        ),
        ("A vacuum rebuilds the database", "restates the output"),
        (
            "A vacuum rebuilds the database file, repacking it into less space and removing free pages",
            "restates the output",
        ),
        ("Say what a vacuum does: it rebuilds the database file, repacking it into a minimal amount of disk space", ""),
        ("database file, repacking", ""),
        ("Thanks!", ""),
        ("Why?", ""),
        ("go on " * 20, "repeats itself"),
        ("why " + "x" * 2100, "too long"),
    ],
)
def test_drop_reason(instruction: str, reason: str) -> None:
    assert drop_reason(instruction, OUTPUT) == reason


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("What is composting?", "What is composting? Composting turns kitchen scraps into soil."),
        ("Use it", "Because it is"),
        ("How do I center a div in a webpage using CSS?", "To center a div in a webpage using CSS, give it a margin."),
        ("Prove that the square root of 2 is irrational.", "Suppose the square root of 2 is irrational is false."),
        ("Who wears short shorts in the song?", "Who wears short shorts in the song? Everybody."),
    ],
)
def test_questions_and_requests_in_the_words_of_their_answers(instruction: str, output: str) -> None:
    assert drop_reason(instruction, output) == ""


def test_a_passage_that_ends_in_a_question_is_a_passage() -> None:
    passage = "Composting turns scraps into soil. It needs air and water. Is it any wonder that worms like it so?"
    assert drop_reason(passage, f"{passage} They do.") == "restates the output"


def human_pairs() -> dict[str, list[tuple[str, str]]]:
    """Every human pair at hand."""
    files = {name: ROOT / "examples" / f"{name}.jsonl" for name in ("seed", "heldout")}
    files["open_assistant"] = SHARED / "open_assistant" / "en_100_tree.jsonl"
    pairs = {
        name: [(row.instruction, row.output) for row in load_seed(str(path))]
        for name, path in files.items()
        if path.exists()
    }
    for name in ("seed_tasks", "user_oriented_instructions"):
        path = SHARED / "self_instruct" / f"{name}.jsonl"
        tasks = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        pairs[name] = [
            (f"{task['instruction']}\n\n{case['input']}".strip(), case["output"])
            for task in tasks
            for case in task["instances"]
        ]
    return pairs


def test_no_human_pair_is_dropped_but_one_that_is_too_long() -> None:
    """Nor is an instruction of theirs changed. A passage of their outputs in its place is found 99 times of 100."""
    dropped, passages, found = Counter[str](), 0, 0
    for name, pairs in human_pairs().items():
        for instruction, output in pairs:
            assert clean(instruction) == instruction, name
            dropped[drop_reason(instruction, output)] += 1
            sentences = [each for each in re.split(r"(?<=[.!])\s+", output) if len(each.split()) >= 6]
            for sentence in sentences[:1] + sentences[2:3]:
                passages, found = passages + 1, found + (drop_reason(sentence, output) == "restates the output")
    if not SHARED.exists():
        assert dropped == {"": 160}
        return
    assert dropped == {"": 680, "too long": 1}
    assert "| all | 681 | 0.15 % |" in (ROOT / "docs/curation.md").read_text(encoding="utf-8")
    assert found / passages > 0.98
