"""Lines that are no text: shares, bylines, dates, advertisements, calls to sign up, and those that close a page.

Called by boilerplate and boxes.
"""

import re

from humpback_exp.corpus.blocks import Block
from humpback_exp.corpus.labels import LABEL, ORNAMENT

WORD = re.compile(r"[^\W_]+")
BULLET = re.compile(r"\s*(?:-|-?\d+\.) ")
LINE_CHARS = 200
"""Longer blocks are text, whatever they begin with."""
POINTER_LINK_SHARE = 0.4
"""Closing lines as short and as full of links as this lead elsewhere: see also, next page, all releases."""
LIST_LINK_SHARE = 0.8
"""The same of items of lists and rows of tables, which name things beside their links."""

READ_MORE = re.compile(
    r"(?:read (?:more|also|next|the full)|related(?: \w+)?|see also|also read|more (?:on|from)|recommended(?: reading)?"
    r"|don.t miss|watch|you (?:may|might) also like|view (?:more|all)|click here (?:for|to))\b.*",
    re.I,
)
TAIL = re.compile(
    r"(?:©|\(c\)|copyright\b\W*(?:\d{4}|(?:by |©|\(c\)).*\d{4})).*|copyright\b.*\ball rights reserved\W*|all rights reserved\W*"
    r"|back to (?:the )?top|(?:go )?to (?:the )?top|print (?:this )?(?:page|article)?"
    r"|(?:was|did) (?:this|you find this) .*(?:help|useful).*"
    r"|(?:give|send|provide|report)(?: us)?(?: your| an?)? (?:feedback|problem|bug|issue|error|mistake)"
    r"(?: (?:with|on|in|about|to) (?:(?:this|these|the|our) )?(?:page|article|site|website|content|documentation|docs|post"
    r"|examples?|topic|ad|github|gitlab|us)(?: \w+){0,2})?\W*"
    r"|edit (?:this page|page|on \w+|this)(?: (?:on|in|at) .{0,40})?\W*|(?:this (?:page|site) is )?best viewed (?:with|in|by) .*"
    r"|if you (?:enjoyed|liked|like|found) this (?:story|article|post|piece)\b.*"
    r"|(?:generated|(?:proudly )?powered|created|made) (?:by|on|with|using) (?:[^,]*|.*(?<![.!]))"
    r"|(?:foot|end)?notes?:?|references?:?|see(?: also)?:?|(?:related|further|more)\b.{0,30}:"
    r"|leave a (?:comment|reply).*|(?:no|\d+) (?:comments?|responses?|replies)(?: yet)?\W*|comments are closed\W*|comments? \(\d+\)"
    r"|(?:tags?|filed under|categor(?:y|ies)|posted in|tagged)\b\s*(?:in|with|as)?\s*:?.{0,150}(?<![.!?])"
    r"|(?:load|show|view|see) (?:more|all)\b.{0,40}|loading\W*|reply|permalink|.{1,40} (?:says|said|wrote)\s*:.{0,160}",
    re.I,
)
COPYRIGHT = re.compile(r"©|copyright", re.I)
SHARE_WORDS = frozenset(
    "a and answer article bookmark by cite click comment comments copied copy download e email facebook fb flipboard "
    "follow friend friends gmail google improve in instagram it like link linkedin mail me media messenger more "
    "networks new on opens or our page pdf pin pinterest plus pocket post print reddit rss save send share shared "
    "shares sms snapchat social story telegram text the this to tumblr tweet tweets twitter us via viber whatsapp "
    "window with x xing your youtube".split()
)
MAX_SHARE_WORDS = 16
SHARES = frozenset("share shares tweet pin print email follow bookmark like".split())
NETWORKS = frozenset("facebook twitter linkedin pinterest reddit whatsapp telegram tumblr instagram flipboard".split())
NAVIGATION_WORDS = frozenset(
    "top contents index up next prev previous home back toc page first last main table of to the up. start".split()
)


def is_label(block: Block) -> bool:
    """A share, byline, date, advertisement or sign-up line, wherever it stands."""
    text = block.text
    if len(text) > LINE_CHARS or block.kind not in ("text", "item"):
        return False
    said = text.endswith(".") or text.count(" ") > MAX_SHARE_WORDS
    words = [] if said else all_words_in(text, SHARE_WORDS)
    if words:
        known = NETWORKS if block.kind == "item" else SHARES | NETWORKS
        if any(word in known for word in words):
            return True
    if block.kind == "item":
        return False
    if block.kind == "text" and ORNAMENT.fullmatch(text):
        return True
    if block.link_chars > POINTER_LINK_SHARE * len(text) and READ_MORE.fullmatch(text):
        return True
    return LABEL.fullmatch(text) is not None


def is_tail(block: Block) -> bool:
    """A line that only leads elsewhere or closes the page; is asked of those before a header and at the end."""
    text, chars = block.text, len(block.text)
    if block.kind == "code":
        return False
    share = POINTER_LINK_SHARE if block.kind in ("text", "term") else LIST_LINK_SHARE
    if chars <= LINE_CHARS and block.link_chars:
        # The bullets are looked for only where they decide.
        if block.link_chars > share * chars or block.link_chars > share * len(BULLET.sub("", text)):
            return True
    words = all_words_in(text, NAVIGATION_WORDS)
    if words and len(words) <= 12 and not any(map(str.isdigit, words)):
        return True
    if COPYRIGHT.match(text) and chars <= 3 * LINE_CHARS and re.search(r"\d{4}|reserved", text):
        return block.kind == "text"
    closes = block.kind in ("text", "term") or (block.kind == "meaning" and block.link_chars > 0)
    return closes and chars <= LINE_CHARS and TAIL.fullmatch(text) is not None


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())


def all_words_in(text: str, known: frozenset[str]) -> list[str]:
    """The words of a text that has no others than known ones and numbers; none of another text."""
    first = WORD.search(text)
    if not first or not (first[0].lower() in known or first[0].isdigit()):
        return []
    words = words_of(text)
    return words if all(word in known or word.isdigit() for word in words) else []
