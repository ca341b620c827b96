"""Generated text -> instruction, or the reason to drop it."""

import pytest

from humpback_exp.augmentation.instructions import clean, drop_reason
from humpback_exp.prompts import BACKWARD

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
        ("go on " * 20, "repeats itself"),
        ("why " + "x" * 2100, "too long"),
    ],
)
def test_drop_reason(instruction: str, reason: str) -> None:
    assert drop_reason(instruction, OUTPUT) == reason
