"""Mutated pages: no crash, none that takes long, nothing in a kept text that is no text. The long run is a command."""

from pathlib import Path

from benchmarks.fuzz_segment import PIECES, mutated, run, sources
from humpback_exp.config import CorpusConfig

CASES = Path(__file__).parent / "cases"
SLOW = 10.0


def test_mutated_pages():
    assert run(sources(CASES), 300, 1, CorpusConfig(path="x", min_chars=100), SLOW) == []


def test_hostile_pieces_by_themselves():
    pages = [piece * times for piece in PIECES for times in (1, 500)]
    assert (
        run([b"<h1>A</h1><p>" + page + b"</p>" for page in pages], 100, 2, CorpusConfig(path="x", min_chars=1), SLOW)
        == []
    )


def test_equal_seeds_give_equal_pages():
    import random

    page = b"<h1>A</h1><p>text</p>" * 20
    assert mutated(page, random.Random("0-1")) == mutated(page, random.Random("0-1")) != page
