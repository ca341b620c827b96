"""Pages of questions -> held-out pairs, and which segments repeat one of these. Called by chunks and the segment stage.

Headers that people wrote as questions, with the text below them, are pairs that measure what pages teach. Such a page gives
no candidates, and neither does a segment that repeats it, for a model would be asked what it was trained on.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.artifacts import write_text
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.filters import drop_reason
from humpback_exp.corpus.segments import Section
from humpback_exp.records import HeldoutPair
from humpback_exp.word_runs import LENGTH, KnownRuns, Run, compared, length_of, runs, runs_or_whole

MIN_QUESTIONS = 3
MIN_SHARE = 0.5
"""A page is one of questions if it has so many, and they are this share of its headers that have no others below them."""
ANSWER_CHARS = 80, 1500
"""Bounds on an answer: long enough to say something, short enough to be read as one reply (ours)."""
ASKED = re.compile(
    r"\W*?(?P<asked>[\w¿([<`'\"“«„].*(?:[?？؟\u037e]|(?<=[\u0370-\u03ff]);)(?:\s*\(\w+(?:[ .-]\w+)?\))?)"
    r"(?P<after>\W*|\s*\[[^\[\]]{1,40}\]\W*|\s+\w+\W*)",
    re.S,
)
"""A question, with what it is about in brackets, before an icon or a word such as `New`. Greek asks by a semicolon."""
MAX_QUESTION = 300
"""Characters; a longer header is a text."""
QUOTES = "\"'“”„«»‘’"
FOR_THE_READER = re.compile(
    r"(?:was|is|did|does|do) (?:you find )?(?:this|that|our|these)(?: \w+){0,3}? "
    r"(?:help(?:ful)?(?: you)?|useful(?: to you)?|answer your questions?|solve your problem|what you (?:were|are) looking for)"
    r"|(?:do you )?(?:still )?(?:need|want|looking for) (?:some |any |more |further )*(?:help|support|information)"
    r"|(?:do you )?want to (?:know|learn|read|see) more|(?:are you )?ready to (?:get started|start|begin|go|dive in)"
    r"|(?:do you )?(?:still )?(?:have |got )?(?:any |more |other |further |a |some )*(?:questions?|problems?)(?: (?:for|about) us)?"
    r"|(?:so )?what(?:['’]s| is| comes)? (?:next|now)|(?:where|what) (?:next|(?:to|do (?:i|you|we)) (?:go|do) (?:next|from here))"
    r"|(?:did ?n['’]?t|can ?not|can['’]?t|could ?n['’]?t) find (?:it|what you.*|(?:an|the|your) answer.*)"
    r"|(?:still )?stuck|interested|not a member(?: yet)?|already (?:a member|have an account)|new here",
    re.I,
)
"""Questions to readers that sites put below any text; no answer stands below them."""


def asked_in(header: str) -> str:
    """The question that a header asks, without icons and badges; empty for another header."""
    found = ASKED.fullmatch(header.strip()) if len(header) <= MAX_QUESTION else None
    if not found:
        return ""
    asked, after = found["asked"].strip(), found["after"].strip()
    quoted = asked[0] in QUOTES and after[:1] in QUOTES and after
    asked = asked[1:] if quoted else asked
    return "" if FOR_THE_READER.fullmatch(asked.rstrip("?？؟ ")) else asked


def on_page(sections: list[Section]) -> list[Section]:
    """The questions of a page of questions; none of another page."""
    headers = [section for section in sections if not section.lost]
    starts = {section.start for section in headers}
    innermost = [section for section in headers if starts.isdisjoint(range(section.start + 1, section.end))]
    asked = [section for section in innermost if asked_in(section.header)]
    return asked if len(asked) >= max(MIN_QUESTIONS, MIN_SHARE * len(innermost)) else []


def pairs(asked: Iterable[Section], config: CorpusConfig, drops: Counter[str]) -> Iterator[HeldoutPair]:
    """The questions whose answers are of the right length and pass the filters of segments; others are counted in `drops`."""
    shortest, longest = ANSWER_CHARS
    bounds = replace(config, min_chars=shortest, max_chars=longest)
    for section in asked:
        if reason := drop_reason(section, bounds):
            drops[reasons.ANSWER + reason] += 1
            continue
        yield HeldoutPair(
            id=f"{section.url}#{section.offset}{section.version and f'@{section.version}'}",
            page=section.url,
            instruction=asked_in(section.header),
            output=section.text,
        )


COMMON = 3
"""What so many answers of a page say, and half of them, is said around the answers, such as whom else to ask."""


class HeldoutPairs:
    """The held-out pairs of a corpus, and the words in a row that no segment may share with them."""

    def __init__(self, found: Iterable[HeldoutPair]) -> None:
        self.rows: list[HeldoutPair] = []
        self.copies = 0
        """Pairs left out, since a copy could fall into the other half."""
        self.known = KnownRuns()
        seen: set[Run] = set()
        for pair, said in _own_words(list(found)):
            asked = {compared(pair.instruction)}
            if seen.isdisjoint(asked | said):
                self.rows.append(pair)
            else:
                self.copies += 1
            seen |= asked | said
            length = min(LENGTH, length_of(pair.output))
            self.known.add(said if length == LENGTH else runs(pair.output, length), length)
            self.known.add(runs(pair.instruction))

    def repeated_in(self, text: str) -> bool:
        """Whether a text shares thirteen words in a row with a pair, or says the whole of a shorter answer."""
        return self.known.stand_in(text)


def _own_words(found: list[HeldoutPair]) -> Iterator[tuple[HeldoutPair, set[Run]]]:
    """Each pair with the words in a row of its answer, less those that most answers of its page say, if that is not most of it."""
    said = [runs_or_whole(pair.output) for pair in found]
    answers = Counter(pair.page for pair in found)
    often = Counter((pair.page, run) for pair, own in zip(found, said, strict=True) for run in own)
    for pair, whole in zip(found, said, strict=True):
        own = {run for run in whole if often[pair.page, run] < max(COMMON, answers[pair.page] / 2)}
        yield pair, own if 2 * len(own) >= len(whole) else whole


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
