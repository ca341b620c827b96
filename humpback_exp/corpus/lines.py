"""Lines that are no text: shares, bylines, dates, advertisements, calls to sign up, and those that close a page.

Called by boilerplate and boxes.
"""

import re

from humpback_exp.corpus.blocks import Block

WORD = re.compile(r"[^\W_]+")
BULLET = re.compile(r"\s*(?:-|-?\d+\.) ")
LINE_CHARS = 200
"""Longer blocks are text, whatever they begin with."""
POINTER_LINK_SHARE = 0.4
"""Closing lines as short and as full of links as this lead elsewhere: see also, next page, all releases."""
LIST_LINK_SHARE = 0.8
"""The same of items of lists and rows of tables, which name things beside their links."""

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = (
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH},?\s+\d{{4}}"
    rf"|{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}})"
)
CLOCK = r"(?:[\sT,|·•–—-]*(?:at\s+)?\d{1,2}[:.]\d\d(?::\d\d)?\s*(?:[ap]\.?m\.?)?\s*(?:[A-Z]{2,4})?)?"
DATED = re.compile(
    rf"(?:(?:first |last |originally )?(?:posted|published|updated|modified|edited|created|reviewed|date|on)\b[\s:]*"
    rf"(?:on|at|by)?\s*)?(?:{DATE}{CLOCK}|\d+ (?:second|minute|hour|day|week|month|year)s? ago)"
    r"|(?:this )?page (?:was )?last (?:modified|updated|edited)\b.{0,150}|\d+[ -]min(?:ute)?s? read(?:ing time)?",
    re.I,
)
BYLINE = re.compile(
    r"(?:(?i:written|posted|published|reported|updated|words|photos?|photography|story|edited|reviewed) )?"
    r"(?:[Bb]y|BY):? (?:[A-Z][\w.'’-]*)(?: (?:[A-Z][\w.'’-]*|de|van|von|and|&|for|of|the|at|in)){0,7}"
    r"(?:\s*[,|·•–—-].{0,80})?(?<![.!?:;])"
)
LANGUAGES = re.compile(r"(?:available |other |in other )?languages?\s*:.*", re.I)
ADVERTISEMENT = re.compile(
    r"(?:advertisements?|ads?|sponsored(?: content| links?| by.*)?|promoted|paid content|scroll to continue.*"
    r"|(?:advertisement\s*[-–—:.|]?\s*)?(?:story|article|content) continues (?:below|after).*"
    r"|(?:advertisement\s*[-–—:.|]?\s*)?(?:continue reading (?:below|the main story).*|skip ad(?:vertisement)?)"
    r"|advertisement\s*[-–—:|].{0,60})",
    re.I,
)
SIGN_UP = re.compile(
    r"(?:(?:please )?(?:sign up|subscribe|join|register|get|enter your e-?mail|want more|don.t miss|never miss)\b"
    r"(?!.*mailing list)(?=.*\b(?:newsletters?|inbox|e-?mail|updates|alerts|letter|subscribers)\b).*|never miss an? .*)",
    re.I,
)
LABEL = re.compile(
    "|".join(f"(?i:{found.pattern})" for found in (ADVERTISEMENT, DATED, LANGUAGES, SIGN_UP)) + f"|{BYLINE.pattern}"
)
READ_MORE = re.compile(
    r"(?:read (?:more|also|next|the full)|related(?: \w+)?|see also|also read|more (?:on|from)|recommended(?: reading)?"
    r"|don.t miss|watch|you (?:may|might) also like|view (?:more|all)|click here (?:for|to))\b.*",
    re.I,
)
TAIL = re.compile(
    r"(?:©|\(c\)|copyright\b\W*(?:\d{4}|(?:by |©|\(c\)).*\d{4})).*|copyright\b.*\ball rights reserved\W*|all rights reserved\W*"
    r"|back to (?:the )?top|(?:go )?to (?:the )?top|print (?:this )?(?:page|article)?"
    r"|(?:was|did) (?:this|you find this) .*(?:help|useful).*"
    r"|(?:give|send|provide) (?:us )?feedback.*|report (?:a |an )?(?:problem|bug|issue|error|mistake)\b.*"
    r"|edit (?:this page|on \w+|page).*|(?:generated|powered|created|made) (?:by|on|with) .*|(?:proudly )?powered by .*"
    r"|(?:foot|end)?notes?:?|references?:?|see(?: also)?:?|(?:related|further|more)\b.{0,30}:"
    r"|leave a (?:comment|reply).*|(?:no|\d+) (?:comments?|responses?|replies)(?: yet)?\W*|comments are closed\W*|comments? \(\d+\)"
    r"|(?:tags?|filed under|categor(?:y|ies)|posted in|tagged)\b\s*(?:in|with|as)?\s*:?.{0,150}(?<![.!?])"
    r"|(?:load|show|view|see) (?:more|all)\b.{0,40}|loading\W*|reply|permalink|.{1,40} (?:says|said|wrote)\s*:.{0,160}",
    re.I,
)
COPYRIGHT = re.compile(r"©|copyright", re.I)
SHARE_WORDS = frozenset(
    "a and article by click copy copied comment comments e email facebook fb flipboard follow friend friends google gmail "
    "in instagram it link like linkedin mail me messenger more new on opens or page pin pinterest plus pocket post print "
    "reddit rss save share shares shared send sms snapchat story telegram text the this to tumblr tweet tweets twitter us "
    "via viber whatsapp window with x xing youtube bookmark pdf download networks social media your our".split()
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
    words = all_words_in(text, SHARE_WORDS) if text.count(" ") <= MAX_SHARE_WORDS else []
    if words:
        known = NETWORKS if block.kind == "item" else SHARES | NETWORKS
        if any(word in known for word in words):
            return True
    if block.kind == "item":
        return False
    if block.link_chars > POINTER_LINK_SHARE * len(text) and READ_MORE.fullmatch(text):
        return True
    return LABEL.fullmatch(text) is not None


def is_tail(block: Block) -> bool:
    """A line that only leads elsewhere or closes the page; is asked of those before a header and at the end."""
    text, chars = block.text, len(block.text)
    if block.kind == "code":
        return False
    share = LIST_LINK_SHARE if block.kind in ("item", "row") else POINTER_LINK_SHARE
    if chars <= LINE_CHARS and block.link_chars:
        # The bullets are looked for only where they decide.
        if block.link_chars > share * chars or block.link_chars > share * len(BULLET.sub("", text)):
            return True
    words = all_words_in(text, NAVIGATION_WORDS)
    if words and len(words) <= 12 and not any(map(str.isdigit, words)):
        return True
    if COPYRIGHT.match(text) and chars <= 3 * LINE_CHARS and re.search(r"\d{4}|reserved", text):
        return block.kind == "text"
    return block.kind in ("text", "term") and chars <= LINE_CHARS and TAIL.fullmatch(text) is not None


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())


def all_words_in(text: str, known: frozenset[str]) -> list[str]:
    """The words of a text that has no others than known ones and numbers; none of another text."""
    first = WORD.search(text)
    if not first or not (first[0].lower() in known or first[0].isdigit()):
        return []
    words = words_of(text)
    return words if all(word in known or word.isdigit() for word in words) else []
