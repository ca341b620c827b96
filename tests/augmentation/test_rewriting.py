"""Generated text -> the answer that takes a draft's place, or the reason to keep the draft."""

import pytest

from humpback_exp.augmentation.rewriting import clean, keep_reason
from humpback_exp.prompts import REWRITE

DRAFT = " ".join(f"word{number}" for number in range(20))


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Boil it.\n", "Boil it."),
        ("Rewritten answer: Boil it.", "Boil it."),
        ("The revised draft:\nBoil it.", "Boil it."),
        ("Answer:Boil it.", "Boil it."),
        ("Answering: it boils.", "Answering: it boils."),
        ("Boil it. Answer: now.", "Boil it. Answer: now."),
        ("", ""),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("Use word1 and word2, then word3 after word4 and word5.", "stop", ""),
        (DRAFT, "stop", ""),
        ("", "overflow", "longer than the context"),
        ("", "stop", "empty"),
        ("\u2026", "length", "empty"),
        (DRAFT, "length", "unfinished"),
        ("go on " * 20, "stop", "repeats itself"),
        ("go on " * 20, "length", "repeats itself"),
        ("Stay close to the draft: keep its facts, its examples", "stop", "echoes the prompt"),
        (REWRITE, "stop", "echoes the prompt"),
        ("word1 word2 word3 word4 word5", "stop", "much shorter"),
        ("word1 word2 word3 word4 word5 word6", "stop", ""),
    ],
)
def test_why_a_draft_is_kept(text: str, finish: str, reason: str) -> None:
    assert keep_reason(text, DRAFT, finish) == reason
