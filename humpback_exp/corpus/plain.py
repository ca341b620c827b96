"""Text of a page's nodes -> clean lines: white space, characters that are not seen, formulas, raised and lowered text."""

import re

from selectolax.lexbor import LexborNode

LINE_BREAK, NOTE_GONE = "\x01", "\x02"
GONE_NOTES = re.compile(rf" ?[\[(](?:[\s,;–-]*{NOTE_GONE})+[\s,;–-]*[\])]| ?{NOTE_GONE}(?=[.,;:!?)\s]|\Z)|{NOTE_GONE}")
"""The place of marks of notes, with the brackets around them and the space before them."""
AROUND_BREAK = re.compile(rf" *{LINE_BREAK} *")
JOINERS = re.compile(r"[\u200c\u200d](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200c\u200d]")
"""Between letters of other scripts and in emoji they belong to the text."""
UNSEEN = re.compile(
    "[\x00\x02-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc"
    "\ue000-\uf8ff\U000e0000-\U000e007f\U000f0000-\U0010fffd\ufdd0-\ufdef\ufffe\uffff]"
)
"""Controls, soft hyphens, zero-width and bidirectional marks, icons of private fonts."""
DISPLAY_STYLE = re.compile(r"^\{\\(?:display|text)style\s*(.*)\}$", re.S)
MAX_FORMULA_DEPTH = 20
RANKS = {"msup": "^", "msub": "_", "mfrac": "/"}
ORDINAL = re.compile(r"(?:st|nd|rd|th|er|tm|sm|[aeo®™℠])", re.I)
NOTE = re.compile(r"\[?(?:\d{1,3}|[*†‡§]|[a-d])\]?(?:,\s*\d{1,3})*")
NOTE_LINK = "a[href^='#'], a[role=doc-noteref]"
NUMBERED_LINE = re.compile(r"\s*(\d+)[:.|]?(?:\s|$)")


def paragraph(text: str) -> str:
    """White space as a browser shows it, line breaks kept."""
    text = _without_note_places(" ".join(text.split()))
    if LINE_BREAK in text:
        text = re.sub(r"\n{3,}", "\n\n", AROUND_BREAK.sub("\n", text).strip())
        return seen(text) if not text.replace("\n", "").isprintable() else text
    return text if text.isprintable() else " ".join(seen(text).split())


def one_line(text: str) -> str:
    """Everything on one line, as a header or a cell of a table stands."""
    text = _without_note_places(" ".join(text.replace(LINE_BREAK, " ").split()))
    return text if text.isprintable() else " ".join(seen(text).split())


def _without_note_places(text: str) -> str:
    return GONE_NOTES.sub("", text).strip() if NOTE_GONE in text else text


def code(text: str) -> str:
    """Preformatted text as it is, less empty lines around it and the numbers of its lines."""
    text = text.replace(LINE_BREAK, "\n").replace("\xa0", " ").replace("\r", "")
    if not text.replace("\n", "").replace("\t", "").isprintable():
        text = seen(text)
    text = re.sub(r"[ \t]+\n", "\n", text).strip("\n").rstrip()
    lines = text.split("\n")
    numbers = [NUMBERED_LINE.match(line) for line in lines]
    if len(lines) > 2 and all(found and int(found[1]) == at for at, found in enumerate(numbers, _first(numbers))):
        return "\n".join(
            line[found.end(1) :].lstrip(":|")[1:] for line, found in zip(lines, numbers, strict=True) if found
        )
    return text


def _first(numbers: list["re.Match[str] | None"]) -> int:
    return int(numbers[0][1]) if numbers[0] else 0


def seen(text: str) -> str:
    """Without the characters that nobody sees."""
    return JOINERS.sub("", UNSEEN.sub("", text))


def formula(node: LexborNode) -> str:
    """MathML as the TeX it was made from, where that is kept, else on one line."""
    kept = node.css_first("annotation[encoding*=tex i]")
    source = kept.text() if kept is not None else node.attributes.get("alttext") or ""
    return tex(source) or _on_one_line(node)


def tex(source: str) -> str:
    """TeX without the style that Wikipedia wraps it in."""
    source = " ".join(source.split())
    found = DISPLAY_STYLE.match(source)
    return found[1].strip() if found else source


def _on_one_line(node: LexborNode, depth: int = 0) -> str:
    """Presentation MathML without a source; of what is nested too deeply to be read, the text alone."""
    children = [child for child in node.iter() if not (child.tag or "").startswith("annotation")]
    if not children or depth > MAX_FORMULA_DEPTH:
        return " ".join(node.text().split())
    parts = [_on_one_line(child, depth + 1) for child in children]
    if node.tag in RANKS and len(parts) == 2:
        return RANKS[node.tag].join(part if len(part) < 2 or part.isalnum() else f"({part})" for part in parts)
    return f"sqrt({' '.join(parts)})" if node.tag == "msqrt" else "".join(parts)


def raised(node: LexborNode, before: str) -> str:
    """Superscript after `before`: an exponent keeps its rank, the mark of a footnote goes."""
    text = " ".join(node.text().split())
    if not text or not before or before[-1].isspace():
        return text
    if node.css_first(NOTE_LINK) is not None:
        return ""
    if NOTE.fullmatch(text) and re.search(r"[.,;:!?\"”’»]$|[^\W\d_]{4}$", before):
        return ""
    if ORDINAL.fullmatch(text):
        return text
    return f"^{text}" if re.fullmatch(r"[-+−–]?\w+[+−-]?", text) else f"^({text})"


def lowered(node: LexborNode, before: str) -> str:
    """Subscript after `before`: kept apart from digits, and letters from letters."""
    text = " ".join(node.text().split())
    apart = bool(text and before) and (before[-1].isdigit() or (before[-1].isalpha() and text[0].isalpha()))
    return f"_{text}" if apart else text


def last_text(line: list[str]) -> str:
    """The end of what a line holds so far."""
    return next((piece[-8:] for piece in reversed(line) if piece), "")
