"""What HTML's elements mean to us, and a page as a list of tags and texts. Called by flatten.

The parser (Lexbor) repairs the page; we read its repaired source tag by tag. That is twice as fast as visiting the
nodes of its tree from Python, and most tags, those inside a line, fall to one regular expression.
"""

import re

from resiliparse.parse.html import HTMLTree

from humpback_exp.corpus.decoding import MARK

BLOCKS = frozenset(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure header hgroup hr "
    "legend li main menu ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
HEADERS = frozenset("h1 h2 h3 h4 h5 h6".split())
SKIPPED = frozenset(
    "aside audio button canvas datalist dialog footer form map nav noscript object select svg template textarea "
    "video".split()
)
"""Left out with all they hold: navigation, controls, what only other media or no scripts show."""
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
RICH = frozenset("blockquote dl ol pre table ul".split()) | HEADERS
"""A table cell with one of these is a place on the page, not a value."""

FURNITURE_ROLES = "alert|banner|contentinfo|dialog|menu|menubar|navigation|search"
FURNITURE_NAMES = (
    "breadcrumbs?|contents|cookie-banner|fancy_toc|(?:page-|site-)?footer|headerlink|main-?menu|menu|mw-editsection"
    "|nav(?:bar|igation|header|footer)?|noprint|printfooter|related|searchmenu|share|sidebar|skip-link|social|sphinxsidebar|sub-?menu"
    "|table-of-contents|tagline|toc|topnav"
)
"""Whole classes or ids; those of common generators and of the corpora in the documentation packages we tried."""

ATTRIBUTES = r'[^">]*(?:"[^"]*"[^">]*)*'
KNOWN = "|".join(sorted(BLOCKS | HEADERS | SKIPPED | {"a", "br"}, key=len, reverse=True))
TAG = re.compile(rf"<(/?)([a-z][a-z0-9:_-]*)({ATTRIBUTES})>")
INLINE = re.compile(rf"</?(?!(?:{KNOWN})\b)[a-z]{ATTRIBUTES}>")
RAW = re.compile(rf"<!--.*?-->|<(script|style|iframe|xmp|noembed|noframes)\b{ATTRIBUTES}>.*?</\1>", re.S)
PERMALINK = re.compile(rf"<a\b{ATTRIBUTES}>\s*[¶#§🔗]\s*</a>")
UNSEEN = re.compile(
    r'\s(?:hidden="(?!until-found)|aria-hidden="true"|style="[^"]*(?:display:\s*none|visibility:\s*hidden))', re.I
)
UNSEEN_OR_FURNITURE = re.compile(
    rf'{UNSEEN.pattern}|\s(?:role="(?:{FURNITURE_ROLES})"|(?:class|id)="(?:[^"]*\s)?(?:{FURNITURE_NAMES})[\s"])', re.I
)
OFFSET = re.compile(rf'\s{MARK}="(\d+)"')
START = re.compile(r'\sstart="(-?\d{1,9})"')


def parts(text: str) -> list[str]:
    """A page as `decode` returns it, repaired and cut: a text, then `/` or nothing, tag, attributes, text in turn."""
    body = HTMLTree.parse(text).body
    html = RAW.sub("", body.html) if body else ""
    if any(mark in html for mark in "¶#§🔗"):
        html = PERMALINK.sub("", html)
    # Any element may be hidden; only then must its closing tag be found again.
    if not UNSEEN.search(html):
        html = INLINE.sub("", html)
    return TAG.split(html)


def left_out(tag: str, attributes: str) -> bool:
    """Whether an element and all in it is no part of the page's text."""
    if tag in SKIPPED:
        return True
    if not attributes or tag == "body":
        return False
    # A header is often marked with the name of what it heads, such as id="related".
    return (UNSEEN if tag in HEADERS else UNSEEN_OR_FURNITURE).search(attributes) is not None


def end_of(parts: list[str], position: int) -> int:
    """The position of the tag that closes the element opened at `position`."""
    tag, depth = parts[position + 1], 0
    for at in range(position, len(parts) if tag not in VOID else position, 4):
        if parts[at + 1] == tag:
            depth += -1 if parts[at] else 1
            if depth == 0:
                return at
    return position


def layout_tables(parts: list[str]) -> set[int]:
    """Positions of the tables that place text on a page rather than hold values."""
    layout: set[int] = set()
    tables: list[int] = []
    paragraphs = 0
    for at in range(1, len(parts) if "table" in parts else 0, 4):
        tag, opens = parts[at + 1], not parts[at]
        if tag in ("table", "td", "th", "p") and opens:
            paragraphs = paragraphs + 1 if tag == "p" else 0
        if tables and opens and (tag in RICH or paragraphs > 1):
            layout.update(tables)
        if tag == "table" and opens:
            tables.append(at)
        elif tag == "table" and tables:
            tables.pop()
    return layout
