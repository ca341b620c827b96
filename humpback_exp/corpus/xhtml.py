"""XHTML -> what the HTML parser reads as the same page. Called by decoding."""

import html as entities
import re

from humpback_exp.corpus.nesting import VOID

XHTML = re.compile(r"\s*(?:<\?xml|(?:<![^>]*>\s*)*<html\b[^>]*\sxmlns\s*=)", re.I)
MAX_TAG = 4000
NAME = re.compile(r"[a-zA-Z][\w:-]*")
CDATA, CDATA_END = "<![CDATA[", "]]>"
DOCTYPE_SUBSET = re.compile(r"(<!(?i:DOCTYPE)[^\[>]{0,500})\[.*?\]\s*>", re.S)
"""Begins with two characters of one case, since that is what the search for a pattern is fast by."""


def is_xhtml(text: str) -> bool:
    """Whether the page says at its start that it is XML."""
    return XHTML.match(text) is not None


def as_html(text: str) -> str:
    """The page as the HTML parser wants it: empty elements with an end tag, character data as text, no document type."""
    pieces = _character_data_as_text(DOCTYPE_SUBSET.sub(r"\1>", text, count=1)).split("/>")
    for number, piece in enumerate(pieces[:-1]):
        start = piece.rfind("<", max(0, len(piece) - MAX_TAG))
        name = NAME.match(piece, start + 1) if start >= 0 else None
        if name and name[0].lower() not in VOID and piece.find(">", start) < 0:
            pieces[number] = f"{piece}></{name[0]}>"
        else:
            pieces[number] = f"{piece}/>"
    return "".join(pieces)


def _character_data_as_text(text: str) -> str:
    pieces, done = [], 0
    while (start := text.find(CDATA, done)) >= 0:
        end = text.find(CDATA_END, start)
        end = len(text) if end < 0 else end
        pieces += [text[done:start], entities.escape(text[start + len(CDATA) : end])]
        done = end + len(CDATA_END)
    return "".join([*pieces, text[done:]])
