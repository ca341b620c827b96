"""One unit of work, from pages to a committed chunk (corpus/chunk_files.py). Called by the segment stage, in its workers.

What the pages of a unit come to is its row in the bulk step, whose file is written last and commits the chunk.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import pages, questions
from humpback_exp.corpus.chunk_files import Files, path_of, signed
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.filters import drop_reason, is_capital_word
from humpback_exp.corpus.optional_filters import OptionalFilters
from humpback_exp.corpus.overlap import resolve
from humpback_exp.corpus.segments import Section, cut
from humpback_exp.corpus.sites import Sites, lines_of, repeated
from humpback_exp.corpus.suspects import READING_SECONDS, SECONDS, Suspects
from humpback_exp.progress import Advance


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
    path = path_of(folder, unit.number)
    with Files(path) as files, Suspects(path) as suspects:
        for page, (found, verdicts, why) in _judged_pages(unit, config, suspects, optional):
            advance(0, 1)
            hashed.update(page.url.encode("utf-8", "backslashreplace") + b"\0" + page.html)
            counts["pages"] += 1
            if why:
                counts[reasons.PAGE + why] += 1
            if config.questions and (asked := questions.on_page(found)):
                files.hold_out(questions.pairs(asked, config, counts))
                verdicts = [verdict or reasons.HELD_OUT for verdict in verdicts]
            for section, verdict in zip(found, verdicts, strict=True):
                reason = verdict or optional.reason(section.text)
                if reason:
                    files.dropped.add(section.dropped(reason))
                else:
                    whole, section.text = section.text, optional.masked(section.text)
                    counts["masked"] += section.text != whole
                    files.kept.add(signed(section.segment()))
                counts[reason or "kept"] += 1
                counts["capital words"] += reason == reasons.CAPITAL_HEADER and is_capital_word(section.header)
    return UnitCounts(counts=json.dumps(counts), set_aside=list(suspects.aside.values()), sha256=hashed.hexdigest())


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
