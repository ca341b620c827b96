"""What HTML's elements, names and roles mean to us. Called by flatten and furniture."""

import re
from functools import cache

from selectolax.lexbor import LexborHTMLParser

BREAKS = frozenset(
    "address blockquote body center details div dl fieldset figcaption figure header hgroup hr legend optgroup p section "
    "summary tbody tfoot thead aside dialog footer form nav".split()
)
"""Blocks that end a line before and after themselves, and mean nothing more."""
BLOCKS = frozenset("article caption dd dt li main menu ol pre table td th tr ul".split())
HEADERS = frozenset("h1 h2 h3 h4 h5 h6".split())
REMOVED = ["script", "style"]
"""Taken out of the tree before it is read, so that the length of an element's text is that of its words."""
SKIPPED = frozenset(
    "svg template textarea select iframe canvas audio video object map datalist noembed noframes xmp plaintext rp".split()
)
"""Left out with all they hold: what only other media, forms or old browsers show."""
INLINE_TAGS = frozenset("a br button del img math noscript q rt sub sup".split())
"""Elements inside a line that mean more than their text."""

LINKS, BOX, FORM, COMMENTS, HIDDEN, NUMBERS = "links", "box", "form", "comments", "hidden", "numbers"
"""Kinds of furniture: what leads elsewhere, what stands beside the text, what is filled in, what readers wrote, what no
reader sees, the numbers of lines of code."""
TAGS = {"aside": BOX, "button": BOX, "dialog": BOX, "footer": BOX, "form": FORM, "nav": LINKS, "noscript": HIDDEN}
ROLES = {
    "banner": BOX,
    "contentinfo": BOX,
    "dialog": BOX,
    "alertdialog": BOX,
    "complementary": BOX,
    "menu": LINKS,
    "menubar": LINKS,
    "navigation": LINKS,
    "search": BOX,
    "tooltip": BOX,
    "tablist": LINKS,
    "doc-toc": LINKS,
    "doc-pagebreak": BOX,
}
NAMES = {
    LINKS: "catlinks mw-portlet interlanguage-link toc-macro viewcode-link "
    "breadcrumb breadcrumbs crumbs contents fancytoc index menu mainmenu submenu searchmenu nav navbar navigation "
    "navheader navfooter pager pagination related relatedposts relbar relinfo share shares sharing sharedaddy sidebar "
    "sidenav sitenav sitemap skip skiplink skiplinks social socials sphinxsidebar toc topnav tags taglist widget widgets",
    BOX: "ad ads adsbygoogle advert advertisement advertising adslot adsense "
    "hatnote ambox mw-redirectedfrom page-metadata votecell vote-count js-vote-count post-signature postprofile "
    "references reflist refbegin csl-bib-body ltx_bibliography ltx_biblist "
    "author-bio author-box author-info entry-meta post-meta article-meta posted-on "
    "banner byline dateline cookie "
    "cookies consent gdpr ccpa copyright editsection footer printfooter headerlink "
    "legal masthead newsletter noprint paywall popup promo promoted recirc recommended recommendations sponsor sponsored "
    "subscribe subscription signup tagline taboola outbrain timestamp pubdate readmore trending",
    COMMENTS: "comments commentlist comment-list comment-wrapper comment-section comment-area comment-threads disqus respond",
    NUMBERS: "linenos lineno linenodiv linenumber linenumbers line-number line-numbers line_number line_numbers gutter "
    "lnt ln blob-num rouge-gutter hljs-ln-numbers hljs-ln-n line-numbers-rows",
    HIDDEN: "hidden hide invisible displaynone offscreen visuallyhidden screenreader d-none is-hidden u-hidden sr-only "
    "visually-hidden screen-reader-text screen-reader-only screen-reader element-invisible element-hidden "
    "assistive-text a11y-hidden show-for-sr off-screen mw-hidden hidden-text hideme ltx_note_outer",
}
MEANING = {name: kind for kind, names in NAMES.items() for name in names.split()}
FILLERS = frozenset(
    "about all area article articles bar block body bottom box btn button buttons col column consent container content "
    "default desktop end entry col div fixed float footer global group header heading holder icon icons inline inner "
    "item items js left links list lower main meta mini mobile modal module mw ng notice of page panel pane popover post "
    "posts primary region right row secondary section set site skip small sm md lg sub static stories story style "
    "gem c govuk nhsuk usa amp elementor fusion genesis sqs vector jp ez theme app doc docs crawler "
    "table td the title to tool tools top ui uk upper view wp wrap wrapper form text by info line overlay".split()
)
"""Words that say nothing of their own in a name, such as those around `footer` in `site-footer-wrapper`."""
BUILDERS = frozenset("elementor fusion sqs".split())
"""Builders of pages, to whom every block is a widget."""
VENDORS = re.compile(
    r"(?:onetrust|ot-sdk|cybot|cookiebot|cookielaw|cmplz|qc-cmp|truste[-_]|usercentrics|didomi|osano-|iubenda|cky-|termly)",
    re.I,
)
"""Makers of notices about cookies, whose names begin the names of all their elements."""
KNOWN = FILLERS.union(MEANING)
WORD_OF_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
SHOWN_ELSEWHERE = re.compile(r"(?:^|\s)(?:d-)?(?:sm|md|lg|xl|xxl|print)[-:](?:block|flex|inline|table|grid|visible)")
"""Bootstrap and Tailwind hide on small screens what larger ones show."""
UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|clip\s*:\s*rect\(0|clip-path\s*:\s*inset\(50%"
    r"|(?:left|top|text-indent)\s*:\s*-\d{4,}|font-size\s*:\s*0(?![.\d])",
    re.I,
)
BLOCK_STYLE = re.compile(r"display\s*:\s*(?:block|flex|grid|table|list-item)", re.I)
FORMULA = re.compile(r"math|\btex\b|latex|equation|formula", re.I)
NOTE_MARK = re.compile(r"\[?(?:\d{1,3}|[a-z]|note \d+|nb \d+|[*†‡§]+|citation needed)\]?|[↩⤴^]\ufe0e?", re.I)

Evidence = tuple[str, str]
"""A kind of furniture, and what speaks for it in the words of a drop reason."""
OTHER, BREAK, BLOCK, HEADER, INLINE, TITLE, SKIP = range(7)
"""What the walk does with an element: nothing but go on, end the line before and after it, begin a block, a header, an inline
element that means more than its text, furniture that holds the page's title, leave it out."""
TEXT_NODE, COMMENT_NODE, CUSTOM = 2, 4, 512
"""Lexbor's numbers for texts and comments, and the first of those for unknown elements."""


@cache
def tag_kinds() -> list[tuple[int, str, bool]]:
    """The kind and name of every tag by Lexbor's number for it, and whether the tag itself speaks for furniture.

    Numbers from 512 on are unknown elements.
    """
    kinds = [(OTHER, "", False)] * CUSTOM
    kinds[COMMENT_NODE] = SKIP, "", False
    for kind, tags in ((BREAK, BREAKS), (BLOCK, BLOCKS), (HEADER, HEADERS), (INLINE, INLINE_TAGS), (SKIP, SKIPPED)):
        for tag in tags:
            kinds[_number(tag)] = kind, tag, tag in TAGS
    return kinds


def _number(tag: str) -> int:
    within = "<table>" if tag in ("caption", "tbody", "thead", "tfoot", "tr", "td", "th") else ""
    node = LexborHTMLParser(f"{within}<{tag}>").css_first(tag)
    assert node is not None, tag
    return int(node.tag_id)


def named(value: str) -> Evidence | None:
    """What a class or id speaks of."""
    for token in value.split():
        lower = token.lower()
        if lower in MEANING:
            kind = MEANING[lower]
        elif (first := WORD_OF_NAME.search(token)) and first[0].lower() in KNOWN:
            kind, lower = _compound(token)
        elif VENDORS.match(token):
            kind = BOX
        else:
            continue
        if kind == HIDDEN and SHOWN_ELSEWHERE.search(value):
            continue
        if kind:
            return kind, lower
    return None


def _compound(token: str) -> tuple[str, str]:
    """`site-footer-wrapper`, `cookieConsent`: a name among words that say nothing."""
    parts = [part.lower() for part in WORD_OF_NAME.findall(token)]
    names = [part for part in parts if MEANING.get(part) not in (None, HIDDEN, NUMBERS)]
    if parts[0] in BUILDERS:
        names = [name for name in names if name != "widget"]
    if names and all(part in KNOWN for part in parts):
        return MEANING[names[0]], names[0]
    return "", ""
