"""Headers that name a box in or beside an article, and what falls with them. Called by boilerplate and filters."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from humpback_exp import reasons
from humpback_exp.corpus.blocks import Block, join
from humpback_exp.corpus.lines import words_of

PROSE_CHARS = 80
"""A paragraph as long as this under the label of a box belongs to the article again."""
TEXT_OF_ITS_OWN = 300
"""A header with a common name of navigation is none where this much text, and few links, stand under it."""
MANY_LINKS = 0.3

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
    r"(?:sign up|subscribe|join|get)\b.*\b(?:newsletters?|inbox)\b.*"
    r"|(?:sign up|subscribe|get)(?: for| to| our| the| free| daily| weekly| latest| email| news| and| by| via)* updates\W*"
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
    r"|related|about the author|comments?|references|works cited|bibliography|user contributed notes",
    re.I,
)
"""Headers of lists of links, where little else stands under them."""
COMMENTS = re.compile(
    r"(?:discussions?|reviews?|responses|replies) \(\d+\)|(?:customer|user|reader) reviews|"
    r"leave a (?:comment|reply)(?: below| here| now| cancel .*| to .* cancel reply| on this .{1,20})?\W*"
    r"|(?:\d+|no) (?:comments?|responses?|replies|thoughts?)(?: (?:on|to|yet|so far|in)\b.*)?\W*|comments? \(\d+\)"
    r"|(?:post|add|write) (?:an? |your |new )+(?:comment|reply|review)(?: below| here| cancel .*| (?:on|of|for) this .{1,20})?\W*"
    r"|join the (?:conversation|discussion)(?: below| here| on .{1,20})?\W*|what do you think\W*|cancel reply",
    re.I,
)
COOKIES = re.compile(r"cookie|privacy|consent|gdpr", re.I)
COOKIE_WORDS = frozenset(
    "a about accept advertising all analytics and are ccpa center centre choice choices consent control cookie cookies data do "
    "essential for functional gdpr here how important in is manage management marketing matters necessary notice of on or our "
    "overview performance policy preference preferences privacy protection respect s settings site statement statistics strictly "
    "targeting the these third party this to tracking us use used uses value values we website websites what why you your".split()
)
"""Other words in a header tell of cookies as a subject."""
COOKIE_TEXT = re.compile(
    r"\b(?:we|our|this (?:web)?site|partners|us)\b[^.]{0,120}\bcookies\b|\b(?:accept|reject|manage|allow)\b[^.]{0,30}\bcookies\b",
    re.I,
)


def without_boxes(blocks: list[Block], stop_headers: Sequence[str]) -> list[Block]:
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
    cookies = COOKIES.search(header) and COOKIE_WORDS.issuperset(words_of(header))
    if not (stop or ending or comments or cookies):
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
    if cookies and COOKIE_TEXT.search(join(body)):
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


def is_stop(header: str, stop_headers: Sequence[str]) -> bool:
    """Whether a header is navigation by one of the stop words, which must begin where a word begins."""
    words = words_of(header)
    for found in _stops(tuple(stop_headers)).findall(" ".join(words)):
        rest = [word for word in words if not word.startswith(found)]
        if found not in AMBIGUOUS or all(word in LABEL_WORDS or word.isdigit() for word in rest):
            return True
    return False


@cache
def _stops(stop_headers: tuple[str, ...]) -> "re.Pattern[str]":
    words = (" ".join(words_of(stop)) for stop in stop_headers)
    return re.compile(rf"\b({'|'.join(map(re.escape, words)) or '(?!)'})")
