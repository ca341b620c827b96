"""One unit of work, from pages to a committed chunk, and the way back. Called by the segment stage, in its workers.

A chunk is a few files with one name: kept rows, dropped rows, held-out pairs. What they come to is the unit's row in the
bulk step, whose file is written last and commits the chunk.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any

from humpback_exp import reasons, records
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import dedup, pages, questions
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.filters import drop_reason, is_capital_word
from humpback_exp.corpus.optional_filters import OptionalFilters
from humpback_exp.corpus.overlap import resolve
from humpback_exp.corpus.segments import Section, cut, dropped_record
from humpback_exp.corpus.sites import Sites, lines_of, repeated
from humpback_exp.corpus.suspects import READING_SECONDS, SECONDS, Suspects
from humpback_exp.progress import Advance
from humpback_exp.records import DroppedSegment, HeldoutPair, Segment


@dataclass(slots=True, kw_only=True)
class SignedSegment(Segment):
    """A segment with its MinHash, as the search for duplicates wants it."""

    signature: str
    digest: str

    def segment(self) -> Segment:
        """The segment alone."""
        return Segment(**{f.name: getattr(self, f.name) for f in fields(Segment)})

    def dropped(self, reason: str) -> DroppedSegment:
        """The record of a segment that turned out to be a duplicate."""
        return dropped_record(self.url, self.offset, self.heading_path, self.text, reason)


@dataclass(slots=True, kw_only=True)
class UnitCounts:
    """What a unit came to."""

    counts: str
    """JSON: `pages`, `kept`, `capital words`, and drop reasons of pages and segments."""
    set_aside: list[str]
    """Pages that killed two processes."""
    sha256: str
    """Of addresses and contents of its pages, as they were read."""


def work(
    unit: pages.Unit,
    config: CorpusConfig,
    folder: Path,
    optional: OptionalFilters,
    advance: Advance = lambda *_: None,
) -> UnitCounts:
    """Cut and filter the pages of a unit and write its files, all but the one that commits them.

    Args:
        optional: filters beyond the paper.
        advance: called with every page.

    Raises:
        ValueError: its file has changed since the units were listed.
    """
    pages.require_unchanged(unit)
    counts: Counter[str] = Counter()
    hashed = hashlib.sha256()
    with _Files(_file(folder, unit.number)) as files, Suspects(_file(folder, unit.number)) as suspects:
        for page, (found, verdicts, why) in _judged_pages(unit, config, suspects, optional):
            advance(0, 1)
            hashed.update(page.url.encode("utf-8", "backslashreplace") + b"\0" + page.html)
            counts["pages"] += 1
            if why:
                counts[reasons.PAGE + why] += 1
            if config.questions and (asked := questions.on_page(found)):
                files.hold_out(questions.pairs(asked, config))
                verdicts = [verdict or reasons.HELD_OUT for verdict in verdicts]
            for section, verdict in zip(found, verdicts, strict=True):
                reason = verdict or optional.reason(section.text)
                if reason:
                    files.dropped.add(section.dropped(reason))
                else:
                    whole, section.text = section.text, optional.masked(section.text)
                    counts["masked"] += section.text != whole
                    files.kept.add(_signed(section))
                counts[reason or "kept"] += 1
                counts["capital words"] += reason == reasons.CAPITAL_HEADER and is_capital_word(section.header)
    return UnitCounts(counts=json.dumps(counts), set_aside=list(suspects.aside.values()), sha256=hashed.hexdigest())


class _Files:
    """The files of a unit, written as rows come, so that memory holds few of them."""

    def __init__(self, path: Path) -> None:
        self.kept = records.Writer(path, SignedSegment)
        self.dropped = records.Writer(path.with_suffix(".dropped"), DroppedSegment)
        self.heldout = records.Writer(path.with_suffix(".heldout"), HeldoutPair)

    def __enter__(self) -> "_Files":
        self.stack = ExitStack()
        for file in (self.kept, self.dropped, self.heldout):
            self.stack.enter_context(file)
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)

    def hold_out(self, pairs: Iterable[HeldoutPair]) -> None:
        """Write pairs beside the segments."""
        for pair in pairs:
            self.heldout.add(pair)


Judged = tuple[list[Section], list[str | None], str]
"""The sections of a page, why each is dropped, and why the page as a whole is none."""
SET_ASIDE: Judged = ([], [], reasons.SET_ASIDE)
BLOCKED: Judged = ([], [], reasons.BLOCKED)


def _judged_pages(
    unit: pages.Unit, config: CorpusConfig, suspects: Suspects, optional: OptionalFilters
) -> Iterator[tuple[pages.Page, Judged]]:
    """The pages of a unit and what becomes of them; of what kills its worker, that it was set aside."""
    name, limit, patience = unit.describe(), config.max_page_mb, READING_SECONDS
    sites: Sites = {}
    if config.site_lines and suspects.allows("sites", f"lines that repeat in {name}", patience, repeated, unit, limit):
        sites = repeated(unit, limit)
    source = pages.read(unit, limit)
    for number in count():
        if not suspects.allows(
            f"read {number}", f"{name} from page {number} on", patience, _read_to, unit, limit, number
        ):
            yield pages.Page(name), SET_ASIDE
            return
        page = next(source, None)
        if page is None:
            return
        if optional.blocks(page.url):
            yield page, BLOCKED
        elif suspects.allows(f"cut {number}", page.url, SECONDS, judged, page, config, sites):
            yield page, judged(page, config, sites)
        else:
            yield page, SET_ASIDE


def _read_to(unit: pages.Unit, max_page_mb: int, number: int) -> None:
    """Read the pages of a unit up to this one."""
    for at, _ in enumerate(pages.read(unit, max_page_mb)):
        if at == number:
            return


def judged(page: pages.Page, config: CorpusConfig, sites: Sites) -> Judged:
    """Cut and filter a page."""
    if page.reason:
        return [], [], page.reason
    lines = lines_of(page.url, sites)
    try:
        found = list(cut(page.url, page.html, page.charset, config.stop_headers, lines, page.version))
    except NotAPage as error:
        return [], [], str(error)
    verdicts = [drop_reason(section, config) for section in found]
    verdicts = resolve(found, verdicts, config.subtree, config.near_duplicate)
    return found, verdicts, "" if found else reasons.NO_HEADER


def _signed(section: Section) -> SignedSegment:
    segment = section.segment()
    values = {f.name: getattr(segment, f.name) for f in fields(Segment)}
    return SignedSegment(**values, signature=dedup.signature(segment.text), digest=dedup.digest(segment.text))


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.kept"


def kept(folder: Path, number: int) -> Iterator[SignedSegment]:
    """The kept rows of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(_file(folder, chunk), SignedSegment)


def fingerprints(folder: Path, number: int) -> Iterator[dedup.Fingerprint]:
    """What is compared of the kept rows, in order."""
    for chunk in range(number):
        yield from records.read_file(_file(folder, chunk), dedup.Fingerprint)


def dropped(folder: Path, number: int) -> Iterator[DroppedSegment]:
    """The dropped rows of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(_file(folder, chunk).with_suffix(".dropped"), DroppedSegment)


def heldout(folder: Path, number: int) -> Iterator[HeldoutPair]:
    """The held-out pairs of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(_file(folder, chunk).with_suffix(".heldout"), HeldoutPair)
