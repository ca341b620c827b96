"""Exact, near and nested duplicates; who falls depends on the order alone."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from humpback_exp.corpus import dedup, disk_arrays, fingerprints
from humpback_exp.corpus.fingerprints import Fingerprint, signature
from humpback_exp.corpus.segments import sections

WORDS = [f"word{n}" for n in range(300)]
TEXT = " ".join(WORDS)


def reasons(*texts: str, ids: list[str] | None = None, threshold: float = 0.8) -> list[str | None]:
    numbers = ids or [f"{number:x}" for number in range(len(texts))]
    rows = [
        Fingerprint(id=number, digest=fingerprints.digest(text), signature=signature(text))
        for number, text in zip(numbers, texts, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        return list(dedup.verdicts(rows, len(rows), threshold, Path(folder, "signatures")))


def changed(*places: int) -> str:
    return " ".join("other" if number in places else word for number, word in enumerate(WORDS))


def test_exact_duplicates_ignore_case_space_and_marks():
    assert reasons(TEXT, TEXT.upper().replace(" ", ",\n")) == [None, "duplicate"]


def test_near_duplicates():
    assert reasons(TEXT, changed(150)) == [None, "near duplicate"]
    assert reasons(changed(150), TEXT) == [None, "near duplicate"]


def test_texts_that_share_a_half_are_kept():
    assert reasons(TEXT, " ".join(WORDS[:150] + [f"new{n}" for n in range(150)])) == [None, None]


def test_the_threshold_is_a_setting():
    other = changed(*range(0, 300, 30))
    assert reasons(TEXT, other, threshold=0.5) == [None, "near duplicate"]
    assert reasons(TEXT, other, threshold=0.9) == [None, None]


def test_a_dropped_text_drops_nothing():
    first, second, third = TEXT, changed(*range(25)), changed(*range(80))
    assert reasons(first, third) == [None, None]
    assert reasons(second, third) == [None, "near duplicate"]
    assert reasons(first, second, third) == [None, "near duplicate", None]


def test_ids_stay_unique():
    assert reasons(TEXT, "quite another text", ids=["a", "a"]) == [None, "duplicate"]


def test_a_page_that_is_little_more_than_its_part():
    html = f"<h1>A</h1><p>Intro.</p><h2>B</h2><p>{TEXT}</p>"
    assert reasons(*(section.text for section in sections("a.html", html.encode()))) == [None, "near duplicate"]


def test_a_part_of_a_kept_whole_is_kept():
    html = f"<h1>A</h1><p>{' '.join(f'own{n}' for n in range(200))}</p><h2>B</h2><p>{TEXT}</p>"
    assert reasons(*(section.text for section in sections("a.html", html.encode()))) == [None, None]


def test_signatures_are_the_same_everywhere():
    assert signature("a b c d e f")[:32] == "ad9142c99d7596f2604cfcd219a482d1"
    assert len(signature("")) == len(signature(TEXT)) == 896


def by_the_rule(rows: list[Fingerprint], threshold: float) -> list[str | None]:
    """Every row against every kept row before it."""
    kept: list[Fingerprint] = []
    found: list[str | None] = []
    bands = dedup._bands(threshold)
    values = [np.frombuffer(bytes.fromhex(row.signature), fingerprints.DTYPE) for row in rows]
    at = {id(row): number for number, row in enumerate(rows)}
    for row, own in zip(rows, values, strict=True):
        reason = None
        for other in kept:
            theirs = values[at[id(other)]]
            if row.digest[:16] == other.digest[:16] or row.id == other.id:
                reason = "duplicate"
            elif any((own[a:b] == theirs[a:b]).all() for a, b in bands) and np.mean(own == theirs) >= threshold:
                reason = reason or "near duplicate"
        found.append(reason)
        kept += [row] if not reason else []
    return found


@pytest.mark.parametrize("part", [1, 7, 64, 1 << 16])
def test_parts_on_the_disk_change_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int):
    drawn = np.random.default_rng(5)
    texts = drawn.integers(0, 1 << 32, (40, fingerprints.PERMUTATIONS), dtype=np.uint32)
    rows = []
    for _ in range(400):
        signed = texts[drawn.integers(40)].copy()
        changed = drawn.integers(0, 40)
        signed[drawn.permutation(fingerprints.PERMUTATIONS)[:changed]] = drawn.integers(0, 1 << 32, changed)
        digest = f"{drawn.integers(300):032x}"[::-1]
        rows.append(Fingerprint(id=f"{drawn.integers(4000):x}", digest=digest, signature=signed.tobytes().hex()))
    wanted = by_the_rule(rows, 0.8)
    assert Counter(wanted).keys() == {None, "duplicate", "near duplicate"}
    monkeypatch.setattr(dedup, "PART", part)
    monkeypatch.setattr(dedup, "BLOCK", 2 * part + 1)
    monkeypatch.setattr(disk_arrays, "AT_ONCE", 3 * part)
    assert list(dedup.verdicts(rows, len(rows), 0.8, tmp_path / "scratch")) == wanted
    assert not list(tmp_path.iterdir())
