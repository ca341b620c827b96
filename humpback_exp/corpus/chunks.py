"""One unit of work, from pages to a committed chunk, and the way back. Called by the segment stage, in its workers.

A chunk is a few files with one name: dropped rows, held-out pairs, page counts, and, written last, the kept rows whose file
commits it.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from humpback_exp import artifacts, reasons, records
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import dedup, pages, questions
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.filters import drop_reason, is_capital_word
from humpback_exp.corpus.overlap import resolve
from humpback_exp.corpus.segments import Section, cut, dropped_record
from humpback_exp.corpus.sites import Sites, lines_of, repeated
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


def committed(folder: Path, number: int) -> Path:
    """The file that says, by being there, that a chunk is done."""
    return folder / f"{number:05d}.parquet"


def work(unit: pages.Unit, config: CorpusConfig, folder: Path) -> None:
    """Cut and filter the pages of a unit and commit the chunk."""
    counts: Counter[str] = Counter()
    kept: list[SignedSegment] = []
    dropped: list[DroppedSegment] = []
    heldout: list[HeldoutPair] = []
    sites = repeated(unit, config.max_page_mb) if config.site_lines else {}
    for page in pages.read(unit, config.max_page_mb):
        counts["pages"] += 1
        found, verdicts, why = judged(page, config, sites)
        if why:
            counts[reasons.PAGE + why] += 1
        if config.questions and (asked := questions.on_page(found)):
            heldout += questions.pairs(asked, config)
            verdicts = [verdict or reasons.HELD_OUT for verdict in verdicts]
        for section, reason in zip(found, verdicts, strict=True):
            if reason:
                dropped.append(section.dropped(reason))
            else:
                kept.append(_signed(section))
            counts[reason or "kept"] += 1
            counts["capital words"] += reason == reasons.CAPITAL_HEADER and is_capital_word(section.header)
    path = committed(folder, unit.number)
    records.write(path.with_suffix(".dropped"), DroppedSegment, dropped)
    if config.questions:
        records.write(path.with_suffix(".heldout"), HeldoutPair, heldout)
    artifacts.write_text(path.with_suffix(".json"), json.dumps(counts))
    records.write(path, SignedSegment, kept)


def judged(page: pages.Page, config: CorpusConfig, sites: Sites) -> tuple[list[Section], list[str | None], str]:
    """The sections of a page, why each is dropped, and why the page as a whole is none."""
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


def kept(folder: Path, number: int) -> Iterator[SignedSegment]:
    """The kept rows of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(committed(folder, chunk), SignedSegment)


def fingerprints(folder: Path, number: int) -> Iterator[dedup.Fingerprint]:
    """What is compared of the kept rows, in order."""
    for chunk in range(number):
        yield from records.read_file(committed(folder, chunk), dedup.Fingerprint)


def dropped(folder: Path, number: int) -> Iterator[DroppedSegment]:
    """The dropped rows of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(committed(folder, chunk).with_suffix(".dropped"), DroppedSegment)


def heldout(folder: Path, number: int) -> Iterator[HeldoutPair]:
    """The held-out pairs of the first `number` chunks, in order."""
    for chunk in range(number):
        yield from records.read_file(committed(folder, chunk).with_suffix(".heldout"), HeldoutPair)


def counts(folder: Path, number: int) -> Counter[str]:
    """What the first `number` chunks counted: `pages`, `kept`, and drop reasons of pages and segments."""
    total: Counter[str] = Counter()
    for chunk in range(number):
        total.update(json.loads(committed(folder, chunk).with_suffix(".json").read_text()))
    return total


def clear(folder: Path, number: int) -> None:
    """Remove the first `number` chunks, each one's commit first: a kill in between leaves no half chunk."""
    for chunk in range(number):
        path = committed(folder, chunk)
        for suffix in (".parquet", ".json", ".heldout", ".dropped"):
            path.with_suffix(suffix).unlink(missing_ok=True)
    shutil.rmtree(folder)
