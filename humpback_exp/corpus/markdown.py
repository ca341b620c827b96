"""Markdown -> the page that it stands for. Called by pages."""

import re

NAMES = (".md", ".markdown")
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*\r?$", re.S | re.M)
"""The settings that generators of sites keep above a text, whose last line would make a header of them."""


def as_html(markdown: bytes) -> bytes:
    """CommonMark, tables and strikethrough as HTML in UTF-8."""
    from markdown_it import MarkdownIt

    text = FRONT_MATTER.sub("", markdown.decode("utf-8-sig", "replace"))
    html: str = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return html.encode()
