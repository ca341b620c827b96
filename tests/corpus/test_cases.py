"""Small inputs with the right value: `cases/NAME/input` is a corpus, `expect.txt` says in words what the table says here."""

import re
from pathlib import Path

import pytest

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import chunks, pages, sites
from humpback_exp.corpus.segments import Section

CASES = Path(__file__).parent / "cases"
NONE: tuple[str, ...] = ()
# name: headers kept, what the texts hold, what they do not hold
EXPECTED: dict[str, tuple[list[str], tuple[str, ...], tuple[str, ...]]] = {
    "01-heading-in-li": (["Switch kind 1", "Switch kind 2"], NONE, NONE),
    "02-heading-in-button": (["How do I bleed a radiator?", "How do I read the meter?"], NONE, NONE),
    "03-page-in-form": (["Care of wooden tools"], NONE, NONE),
    "04-article-in-aside": (["Songs for the harbour"], NONE, NONE),
    "05a-wrapper-contents": (["Sharpening a plane"], NONE, NONE),
    "05c-wrapper-post-wrap-social": (["Sharpening a plane"], NONE, NONE),
    "05e-wrapper-menu": (["Sharpening a plane"], NONE, NONE),
    "05g-wrapper-navigation": (["Sharpening a plane"], NONE, NONE),
    "06-role-alert-note": (["Upgrading the controller"], ("Unplug the charger before you open the case, ",), NONE),
    "08-inline-furniture-inconsistent": (["Planting beans", "Planting peas"], NONE, ("14 networks",)),
    "09-stray-quote": (["Oiling a chain"], ("Start with a clean rag and a mild soap.",), ("<", ">")),
    "10-markup-in-attribute": (
        ["Reading a meter", "Fitting a lock"],
        ("First line of the text stays.", "After comment stays.", "Opening line stays.", "Closing line stays."),
        NONE,
    ),
    "11-sup-sub": (["Orders of size"], ("about 10^14 atoms, and 2^10 is 1024. Water is H2O.",), NONE),
    "13-mathml-annotation": (["Error rate"], ("The rate is 10^{-4} per token.",), NONE),
    "14-wikipedia-math": (["Energy", "Decay"], ("related by E=mc^{2} at rest.", "It falls as e^t here."), NONE),
    "16-soft-hyphen-zwsp": (
        ["International rail"],
        ("The international ticket is valid on all lines; keep it.",),
        ("\u00ad", "\u200b", "\ufeff"),
    ),
    "17-pre-indentation": (["Loops"], ("def f(x):\n    for i in x:\n        print(i)\n\n",), NONE),
    "18-pre-div-lines": (
        ["Shell", "Shell two"],
        ("\n\nif true; then\n    echo yes\nfi\n\n", "\n\nlet a = 1\nlet b = 2\n\n"),
        NONE,
    ),
    "20-empty-cells": (["Opening hours"], ("\nMon |  | 18-20\n",), NONE),
    "22-definition-list": (["Terms"], ("brotli\nFurther compression.\n\nzstd\nFast compression.",), NONE),
    "23-details": (["Questions"], ("Can I pay by card?\n\nYes, at the second window.",), NONE),
    "24-aria-heading": (["Storing cheese", "Storing bread"], NONE, NONE),
    "25-ul-leading-text": (["List"], ("Description of the list:", "- "), NONE),
    "26-empty-h1-then-h2": (["Setting the clock"], NONE, NONE),
    "27-anchor-in-heading": (["Feeding the hive", "Moving the hive", "Selling honey"], NONE, NONE),
    "28-mismatched-close": (["Cutting cloth"], NONE, NONE),
    "29-site-h1-over-article": (["How to prune old roses"], NONE, NONE),
    "30-cookie-banner": (["The slow clock"], NONE, ("cookies",)),
    "31-hidden-by-class": (["Boiling plums"], NONE, ("HIDDEN ERROR", "Opens in a new window")),
    "32-inline-spaces": (["Spans"], ("The sentence starts, then ends. No one.\n\nOne\n\nTwo\n\n",), NONE),
    "33-xhtml-selfclosing": (["Reading maps"], NONE, NONE),
    "35-li-value": (["Steps"], ("\n\n5. Fifth step\n6. Sixth step\n\n",), NONE),
    "36-acronym-header": ([], NONE, NONE),
    "37-trailing-boilerplate": (["Waxing a table", "Waxing a chair"], NONE, ("Copyright", "Sign up", "Anna says")),
    "38-text-before-br": (["Address"], ("One line\nSecond line\n\nNew paragraph.\n\n",), NONE),
    "40-mixed-language": ([], NONE, NONE),
    "41-arabic-rtl": ([], NONE, NONE),
    "42-lorem-ipsum": ([], NONE, NONE),
    "43-mixed-nested-table": (["Old site"], ("\n\na | b",), NONE),
    "44-custom-element-blocks": (["Steps in a shop"], ("Open the door.\n\nTurn the key.\n\n",), NONE),
    "45-select-nested-p-in-li-dd": (["Nested list"], ("- a\n  - b\n\ntail of a\n\n",), NONE),
    "46-menu-in-heading-list": (["Fuses fast slow"], NONE, NONE),
    "47-heading-edit-links": (["History", "Name"], NONE, NONE),
    "49-img-alt-figcaption": (["Figure"], ("A plane in use.",), NONE),
    "50-http-latin1-but-utf8": (["Curly quotes"], ("It’s the “old” mill — it isn’t new.",), NONE),
    "50b-http-latin1-but-utf8": (["Café rules"], ("It’s the café’s rule — pay first.",), NONE),
    "51-utf8-one-bad-byte": (["Curly quotes"], ("It’s the “old” mill — it isn’t new.",), NONE),
    "51b-utf8-one-bad-byte": (
        ["Cut off", "One latin byte", "None but the cut"],
        ("It’s the café.", "It is the café."),
        ("Ã©",),
    ),
    "52-cp1252-undeclared": (["Curly quotes"], ("It’s the “old” mill — it isn’t new.",), NONE),
    "53-meta-content-charset-only": (["Two rivers"], ("дом",), NONE),
    "54-meta-lies-utf16": (["Meta lies"], ("It’s so.",), NONE),
    "56-unknown-charset-name": (["Curly quotes"], ("It’s the “old” mill — it isn’t new.",), NONE),
    "57-charset-in-comment": (["Curly quotes"], ("It’s the “old” mill — it isn’t new.",), NONE),
    "58-meta-after-4096": (["A rules"], ("дом",), NONE),
    "60-content-encodings": (
        [f"Enc {name}" for name in ("gzip", "deflate", "rawdeflate", "br", "identity", "none", "utf8")],
        NONE,
        NONE,
    ),
    "61-big-gzip-chunked": ([f"{size} {n}" for size in ("Big", "Large") for n in range(60)], NONE, NONE),
    "63-truncated-payload": (
        [*(f"Cut {n}" for n in range(14)), *(f"Chunkcut {n}" for n in range(37)), "After cut"],
        NONE,
        NONE,
    ),
    "64-no-content-type": (["No type", "Plain type", "Odd case"], NONE, NONE),
    "65-revisit-request-meta": (["Only this"], NONE, NONE),
    "66-clueweb09-lf": ([f"Line feeds {n}" for n in ("one", "two", "three", "four")], NONE, NONE),
    "67-bad-uri-bytes": (["Bad uri", "Next page"], NONE, NONE),
    "68-malformed-http": (["No reason", "After junk", "Old HTTP", "Second protocol"], NONE, NONE),
    "69-truncated-and-corrupt-gz": (["Whole one", "Whole two", "Front", "Behind one", "Behind two"], NONE, NONE),
    "71-single-gz-stream": (["Stream one", "Stream two"], NONE, NONE),
    "72-extra-blank-line": (["Extra line"], NONE, NONE),
    "73-other-inputs": (["Wget query", "No ending", "Plain file", "Gz page", "Php mirror", "Shtml"], NONE, NONE),
    "74-bad-br-and-zstd": (["Neighbour"], NONE, NONE),
    "80-h1-in-role-banner": (["Planning for the tide", "Mending the quay"], NONE, NONE),
    "81-advertisement-header-splits-article": (["The long walk"], NONE, ("Advertisement",)),
    "83-texinfo-nav-tail": (["Beams"], NONE, ("Contents", "Index")),
    "86-same-id-two-files": (["Site one", "Site two"], NONE, NONE),
    "87-xhtml-cdata-entities": (["Ink — é"], ("raw <b> text",), NONE),
    "90-junk-first-warc": (["After junk bytes"], NONE, NONE),
    "90-lf-record-in-middle-warc": (["Before LF", "LF itself", "After LF"], NONE, NONE),
    **{f"90-{name}": ([], NONE, NONE) for name in "arc-in-warc empty-warc empty-warc-gz garbage-warc".split()},
    **{f"90-{name}": ([], NONE, NONE) for name in "html-in-warc-gz zst-warc".split()},
}
REASONS = {
    "65-revisit-request-meta": [],
    "68-malformed-http": ["http status"],
    "69-truncated-and-corrupt-gz": ["truncated archive"] * 2,
    "73-other-inputs": ["truncated archive", "not html"],
    "74-bad-br-and-zstd": ["undecodable"] * 2,
    "90-arc-in-warc": ["http status", "truncated archive"],
    "90-empty-warc": ["truncated archive"],
    "90-empty-warc-gz": ["truncated archive"],
    "90-garbage-warc": ["truncated archive"],
    "90-html-in-warc-gz": ["truncated archive"],
    "90-junk-first-warc": ["truncated archive"],
    "90-zst-warc": ["truncated archive"],
}


def kept(folder: Path) -> tuple[list[Section], list[str]]:
    """What is kept of a corpus before the search for duplicates, and why pages were not used."""
    config = CorpusConfig(path=str(folder))
    found: list[Section] = []
    unused: list[str] = []
    units = pages.units(config.path, 64)
    sites.add_neighbours(units)
    for unit in units:
        lines = sites.repeated(unit, config.max_page_mb)
        for page in pages.read(unit):
            sections, reasons, why = chunks.judged(page, config, lines)
            found += [section for section, reason in zip(sections, reasons, strict=True) if not reason]
            unused += [why] if why else []
    return found, unused


def test_every_case_is_in_the_table():
    assert sorted(EXPECTED) == sorted(folder.name for folder in CASES.iterdir())


@pytest.mark.parametrize("name", EXPECTED)
def test_case(name: str):
    headers, holds, lacks = EXPECTED[name]
    found, unused = kept(CASES / name / "input")
    assert [section.header for section in found] == headers
    texts = "\n----\n".join(section.text for section in found)
    assert [part for part in holds if part not in texts] == []
    assert [part for part in lacks if part in texts] == []
    assert unused == REASONS.get(name, [])
    assert len({section.segment().id for section in found}) == len(found)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", texts)
