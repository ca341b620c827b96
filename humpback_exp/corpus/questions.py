"""Pages of questions -> held-out pairs, and which segments repeat one of these. Called by chunks and the segment stage.

Headers that people wrote as questions, with the text below them, are pairs that measure what pages teach. Such a page gives
no candidates, and neither does a segment that repeats it, for a model would be asked what it was trained on.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from humpback_exp.artifacts import write_text
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.filters import drop_reason
from humpback_exp.corpus.segments import Section
from humpback_exp.records import HeldoutPair
from humpback_exp.word_runs import Run, runs, words

MIN_QUESTIONS = 3
MIN_SHARE = 0.5
"""A page is one of questions if it has so many, and they are this share of its headers that have no others below them."""
ANSWER_CHARS = 80, 1500
"""Bounds on an answer: long enough to say something, short enough to be read as one reply (ours)."""
QUESTION_MARKS = ("?", "？", "؟")


def on_page(sections: list[Section]) -> list[Section]:
    """The questions of a page of questions; none of another page."""
    headers = [section for section in sections if not section.lost]
    starts = {section.start for section in headers}
    innermost = [section for section in headers if starts.isdisjoint(range(section.start + 1, section.end))]
    asked = [section for section in innermost if section.header.rstrip().endswith(QUESTION_MARKS)]
    return asked if len(asked) >= max(MIN_QUESTIONS, MIN_SHARE * len(innermost)) else []


def pairs(asked: Iterable[Section], config: CorpusConfig) -> Iterator[HeldoutPair]:
    """The questions whose answers are of the right length and pass the filters of segments."""
    shortest, longest = ANSWER_CHARS
    bounds = replace(config, min_chars=shortest, max_chars=longest)
    for section in asked:
        if not drop_reason(section, bounds):
            yield HeldoutPair(
                id=f"{section.url}#{section.offset}{section.version and f'@{section.version}'}",
                page=section.url,
                instruction=section.header.strip(),
                output=section.text,
            )


class HeldoutPairs:
    """The held-out pairs of a corpus, and the words in a row that no segment may share with them."""

    def __init__(self, found: Iterable[HeldoutPair]) -> None:
        self.rows: list[HeldoutPair] = []
        self.runs: set[Run] = set()
        seen: set[Run] = set()
        for pair in found:
            own, question = runs(pair.output), words(pair.instruction)
            if question not in seen and self.runs.isdisjoint(own):  # a copy could fall into the other half
                self.rows.append(pair)
            seen.add(question)
            self.runs |= own | runs(pair.instruction)

    def repeated_in(self, text: str) -> bool:
        """Whether a text shares thirteen words in a row with a pair."""
        return not self.runs.isdisjoint(runs(text))


def write_halves(held: HeldoutPairs, folder: Path, rank: Callable[[str], str]) -> dict[str, int]:
    """Write the halves of a seeded order as `development.jsonl` and `test.jsonl`; how many pairs each has."""
    ordered = sorted(held.rows, key=lambda pair: rank(pair.id))
    middle = len(ordered) // 2
    halves = {"development": ordered[:middle], "test": ordered[middle:]}
    folder.mkdir(exist_ok=True)
    for name, half in halves.items():
        lines = [json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in half]
        write_text(folder / f"{name}.jsonl", "".join(lines))
    return {name: len(half) for name, half in halves.items()}
