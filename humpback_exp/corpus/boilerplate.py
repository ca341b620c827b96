"""Lines and headers that a page repeats around its text: shares, bylines, advertisements, comments, pointers elsewhere.

Called by segments, between the blocks and the sections.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from humpback_exp import reasons
from humpback_exp.corpus.flatten import Block, join

WORD = re.compile(r"[^\W_]+")
BULLET = re.compile(r"\s*(?:-|-?\d+\.) ")
LINE_CHARS = 200
"""Longer blocks are text, whatever they begin with."""
POINTER_LINK_SHARE = 0.4
"""Closing lines as short and as full of links as this lead elsewhere: see also, next page, all releases."""
LIST_LINK_SHARE = 0.8
PROSE_CHARS = 80
"""A paragraph as long as this under the label of a box belongs to the article again."""
TEXT_OF_ITS_OWN = 300
"""A header with a common name of navigation is none where this much text, and few links, stand under it."""
MANY_LINKS = 0.3

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

AMBIGUOUS = ("advertisement", "forum")
"""Stop words of the paper that are also words of other subjects: alone, or among words that say nothing, they are labels."""
LABEL_WORDS = frozenset(
    "a after all also an and article articles below best board boards by click community content continue continues "
    "daily discuss discussion discussions e email end ends feed for free from get go help here in join latest mail main "
    "members message messages more new news now of on online open or other our page please popular post posts read "
    "reading recent related scroll see sign site skip sponsored start story support that the this to top up us user users "
    "view visit we web website weekly with your".split()
)
LABEL = re.compile(
    r"(?:sign up|subscribe|join|get)\b.*\b(?:newsletters?|inbox|updates)\b.*"
    r"|(?:our |the |free |daily |weekly )*newsletters?(?: sign[- ]?up)?"
    r"|(?:watch|video|now playing|up next)\s*[:|–-].*|(?:watch|play)(?: now| this| live| the)? ?(?:video)?"
    r"|(?:related|featured|latest|top|more) videos?|video of the .*|sponsored(?: content| by .*)?|paid (?:content|post)",
    re.I,
)
"""Headers of boxes that stand in the middle of an article."""
CLOSING = re.compile(
    r"(?:related|recommended|more|popular|trending|latest|most|similar|recent|featured|further|other|useful|external|quick) "
    r"(?:articles?|stories|story|posts?|news|content|reading|links?|topics?|pages?|products?|read|popular|viewed|shared"
    r"|comments?|documents?|resources|headlines|(?:from|on|in|like) .*)"
    r"|you (?:may|might) (?:also )?(?:like|be interested).*|read (?:more|next|also)|see also|around the web|from the web"
    r"|(?:follow|connect with|contact) us.*|share (?:this|on|via|with|it).*|share|stay (?:connected|in touch).*"
    r"|search(?: this site| form)?|(?:main |page |site )?navigation(?: menu)?|site ?map|(?:main )?menu|(?:table of )?contents"
    r"|on this page|in this (?:article|section|page|issue)|categories|archives?|tags|previous topic|next topic|this page"
    r"|about the author|comments?|references|bibliography|user contributed notes",
    re.I,
)
"""Headers of lists of links, where little else stands under them."""
COMMENTS = re.compile(
    r"leave a (?:comment|reply).*|(?:\d+|no) (?:comments?|responses?|replies|thoughts?)\b.*|comments? \(\d+\)"
    r"|(?:post|add|write) a (?:comment|reply|review).*|join the (?:conversation|discussion).*|what do you think\W*"
    r"|cancel reply",
    re.I,
)
COOKIES = re.compile(r"cookie|privacy|consent|gdpr", re.I)
COOKIE_TEXT = re.compile(
    r"\b(?:we|our|this (?:web)?site|partners|us)\b[^.]{0,120}\bcookies\b|\b(?:accept|reject|manage|allow)\b[^.]{0,30}\bcookies\b",
    re.I,
)


def without_boilerplate(blocks: list[Block], stop_headers: Sequence[str]) -> list[Block]:
    """The blocks less lines and boxes that are no part of a text; a header that falls is left as `lost`."""
    cut = _without_boxes([block for block in blocks if not _is_label_line(block)], stop_headers)
    return _without_tails(cut)


def is_stop(header: str, stop_headers: Sequence[str]) -> bool:
    """Whether a header is navigation by one of the stop words, which must begin where a word begins."""
    words = _words(header)
    for found in _stops(tuple(stop_headers)).findall(" ".join(words)):
        rest = [word for word in words if not word.startswith(found)]
        if found not in AMBIGUOUS or all(word in LABEL_WORDS or word.isdigit() for word in rest):
            return True
    return False


@cache
def _stops(stop_headers: tuple[str, ...]) -> "re.Pattern[str]":
    words = (" ".join(_words(stop)) for stop in stop_headers)
    return re.compile(rf"\b({'|'.join(map(re.escape, words)) or '(?!)'})")


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _all_words_in(text: str, known: frozenset[str]) -> list[str]:
    """The words of a text that has no others than known ones and numbers; none of another text."""
    first = WORD.search(text)
    if not first or not (first[0].lower() in known or first[0].isdigit()):
        return []
    words = _words(text)
    return words if all(word in known or word.isdigit() for word in words) else []


def _is_label_line(block: Block) -> bool:
    """A share, byline, date, advertisement or sign-up line, wherever it stands."""
    text = block.text
    if len(text) > LINE_CHARS or block.kind not in ("text", "item"):
        return False
    words = _all_words_in(text, SHARE_WORDS) if text.count(" ") <= MAX_SHARE_WORDS else []
    if words:
        known = NETWORKS if block.kind == "item" else SHARES | NETWORKS
        if any(word in known for word in words):
            return True
    if block.kind == "item":
        return False
    if block.link_chars > POINTER_LINK_SHARE * len(text) and READ_MORE.fullmatch(text):
        return True
    return any(pattern.fullmatch(text) for pattern in (ADVERTISEMENT, BYLINE, DATED, LANGUAGES, SIGN_UP))


def _without_boxes(blocks: list[Block], stop_headers: Sequence[str]) -> list[Block]:
    """Blocks less boxes under headers that name them; what is an article's text again after such a header stays."""
    kept: list[Block] = []
    at = 0
    total = sum(len(block.text) for block in blocks)
    while at < len(blocks):
        block = blocks[at]
        if block.kind == "header" and (found := _box(blocks, at, total, stop_headers)):
            end, reason = found
            kept.append(replace(block, kind="lost", reason=reason, body=join(blocks[at + 1 : end])))
            kept += [other for other in blocks[at + 1 : end] if other.kind == "end"]
            at = end
        else:
            kept.append(block)
            at += 1
    return kept


def _box(blocks: list[Block], at: int, total: int, stop_headers: Sequence[str]) -> tuple[int, str] | None:
    """Where the box ends that the header at `at` names, and why it is one; None for the header of a text."""
    header = blocks[at].text
    is_label = LABEL.fullmatch(header) is not None
    stop = is_stop(header, stop_headers) or is_label
    ending, comments = CLOSING.fullmatch(header), COMMENTS.fullmatch(header)
    if not (stop or ending or comments or COOKIES.search(header)):
        return None
    end = _section_end(blocks, at)
    box = bisect_left(blocks, blocks[at].end, key=lambda block: block.order)
    boxed = at + 1 < box and (box < end or sum(len(block.text) for block in blocks[at:box]) < total / 2)
    end = box if boxed else end
    body = blocks[at + 1 : end]
    chars, links = sum(len(block.text) for block in body), sum(block.link_chars for block in body)
    if stop:
        return (end if boxed else _until_prose(blocks, at, end)), reasons.NAVIGATION_HEADER
    if comments:
        return end, reasons.COMMENTS
    if ending and (chars < TEXT_OF_ITS_OWN or links > MANY_LINKS * chars):
        return end, reasons.NAVIGATION_HEADER
    if COOKIES.search(header) and COOKIE_TEXT.search(join(body)):
        return end, reasons.COOKIE_NOTICE
    return None


def _section_end(blocks: list[Block], at: int) -> int:
    level = blocks[at].level
    for end in range(at + 1, len(blocks)):
        other = blocks[end]
        if (other.kind == "header" and other.level <= level) or (
            other.kind == "end" and other.level <= blocks[at].order
        ):
            return end
    return len(blocks)


def _until_prose(blocks: list[Block], at: int, end: int) -> int:
    for position in range(at + 1, end):
        block = blocks[position]
        if block.kind == "header":
            return position
        long = block.kind == "text" and len(block.text) >= PROSE_CHARS
        if long and block.link_chars < MANY_LINKS * len(block.text):
            return position
    return end


def _without_tails(blocks: list[Block]) -> list[Block]:
    """Blocks less the lines before each header, and at the end, that only lead elsewhere or close the page."""
    kept: list[Block] = []
    at_end = True
    position = len(blocks)
    while position:
        position -= 1
        block = blocks[position]
        if block.kind in ("header", "end", "lost"):
            kept.append(block)
            at_end = at_end or block.kind != "lost"
        elif at_end and block.kind in ("item", "row"):
            start = position
            while start and blocks[start - 1].kind == block.kind:
                start -= 1
            run = blocks[start : position + 1]
            if _is_announced(blocks, start) or not all(_is_tail(other) for other in run):
                kept += reversed(run)
                at_end = False
            position = start
        elif not (at_end and _is_tail(block)):
            kept.append(block)
            at_end = False
    return kept[::-1]


def _is_announced(blocks: list[Block], start: int) -> bool:
    """Whether the sentence before a list needs it: `these routines return text:`, but not `See also:`."""
    before = blocks[start - 1] if start else None
    return before is not None and before.kind == "text" and before.text.endswith(":") and not _is_tail(before)


def _is_tail(block: Block) -> bool:
    text, chars = block.text, len(block.text)
    if block.kind == "code":
        return False
    share = LIST_LINK_SHARE if block.kind == "item" else POINTER_LINK_SHARE
    if chars <= LINE_CHARS and block.link_chars and block.link_chars > share * len(BULLET.sub("", text)):
        return True
    words = _all_words_in(text, NAVIGATION_WORDS)
    if words and len(words) <= 12 and not any(map(str.isdigit, words)):
        return True
    if COPYRIGHT.match(text) and chars <= 3 * LINE_CHARS and re.search(r"\d{4}|reserved", text):
        return block.kind == "text"
    return block.kind in ("text", "term") and chars <= LINE_CHARS and TAIL.fullmatch(text) is not None
