"""Markdown -> the page that it stands for. Called by pages."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from humpback_exp.corpus.decoding import read_text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

NAMES = (".md", ".markdown")
FRONT_MATTER = re.compile(
    r"\A(?:---[ \t]*\r?\n(?P<yaml>.*?)^(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n(?P<toml>.*?)^\+\+\+)[ \t]*\r?$", re.S | re.M
)
"""The settings that generators of sites keep above a text, whose last line would make a header of them."""
TITLE = re.compile(r"^title[ \t]*[:=]([^\n]*)$", re.M)
BLOCK_OR_NONE = re.compile(r"(?:[>|][+-]?\d?)?")
"""A title that is empty, or stands on the lines below."""
H1 = re.compile(r"<h1\b", re.I)
HEADER_ATTRIBUTES = re.compile(r"(?<=\S)[ \t]*\{(?::[ \t]*)?[#.][\w-][\w.:# -]*\}[ \t]*$")
"""`{#install}` behind a header's words, by which links lead to it."""


def as_html(markdown: bytes) -> bytes:
    """CommonMark, tables and strikethrough as HTML in UTF-8, below the title of its front matter where it has no h1."""
    text = read_text(markdown).removeprefix("\ufeff")
    settings = FRONT_MATTER.match(text)
    html: str = _parser().render(text[settings.end() :] if settings else text)
    found = TITLE.search(settings["yaml"] or settings["toml"] or "") if settings else None
    title = found[1].strip() if found else ""
    title = title[1:-1].strip() if len(title) > 1 and title[0] == title[-1] and title[0] in "\"'" else title
    if not BLOCK_OR_NONE.fullmatch(title) and not H1.search(html):
        html = f"<h1>{escape(title)}</h1>\n{html}"
    return html.encode("utf-8", "replace")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.core.ruler.before("inline", "header_attributes", _without_attributes)
    return parser


def _without_attributes(state: "StateCore") -> None:
    for before, token in zip(state.tokens, state.tokens[1:], strict=False):
        if before.type == "heading_open":
            token.content = HEADER_ATTRIBUTES.sub("", token.content)
