"""Whether an element is part of a page's text or its furniture: navigation, boxes beside the text, what is hidden.

A tag, role or name is evidence, not a verdict: it is weighed against how much of the page's text the element holds and
how much of that stands in links. Called by flatten.
"""

import re
from functools import cached_property

from selectolax.lexbor import LexborNode

from humpback_exp.corpus.answers import MEANINGS, UNSEEN
from humpback_exp.corpus.characters import chars, linked_chars, without_spaces
from humpback_exp.corpus.markup import (
    BOX,
    COMMENTS,
    FORM,
    HEADERS,
    HIDDEN,
    LINKS,
    NOTE_MARK,
    NUMBERS,
    ROLES,
    TAGS,
    Evidence,
)

HELD = {LINKS: 0.5, BOX: 0.5, FORM: 0.5, HIDDEN: 0.6, COMMENTS: 0.9}
"""An element that holds this share of the page's text outside links is no furniture, whatever it is called."""
PROSE_CHARS = {LINKS: 200, FORM: 400}
PROSE_LINK_SHARE = 0.3
"""Navigation and forms with this much text, and few links in it, say something."""
MANY_KEPT = 50
"""Wrappers inside one another that were found to hold the page; further ones are not looked at again."""
STATES = frozenset("aria-hidden hidden role style epub:type".split())
TELLING = STATES | {"class", "id"}
NOTE_BOX = re.compile(r"\b(?:note|tip|hint|warning|caution|important|info|example|admonition|callout)\b", re.I)
"""Asides that belong to the text around them."""
ANY_HEADER = ", ".join(sorted(HEADERS))
NO_LETTERS = re.compile(r"[\W\d_]+")


class Furniture:
    """The judge of one page's elements."""

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self.kept = 0

    @cached_property
    def text_chars(self) -> int:
        """Characters of the page outside links, spaces not counted."""
        return chars(self.body) - linked_chars(self.body)

    @cached_property
    def only_title(self) -> LexborNode | None:
        """The page's h1 where there is just one: a title wherever it stands."""
        titles = self.body.css("h1")
        return titles[0] if len(titles) == 1 else None

    @cached_property
    def around_title(self) -> set[int]:
        """The node numbers of the elements that hold the only title."""
        found, node = set(), self.only_title
        while node is not None and (node := node.parent) is not None:
            found.add(node.mem_id)
        return found

    def reason(self, node: LexborNode, tag: str, attributes: dict[str, str | None]) -> str | None:
        """What makes the element furniture, such as `nav` or `class sidebar`; None for a part of the text."""
        hidden = None if self._is_panel(node, attributes) else _hidden(node, attributes)
        found = hidden or (None if tag in HEADERS else _named(node, tag, attributes))
        if found is None or self.kept > MANY_KEPT:
            return None
        kind, reason = found
        if self._holds_the_text(node, kind):
            self.kept += 1
            return None
        return reason

    @cached_property
    def controlled(self) -> set[str]:
        """Ids of what a button shows and hides."""
        return {button.attributes.get("aria-controls") or "" for button in self.body.css("[aria-controls]")}

    def _is_panel(self, node: LexborNode, attributes: dict[str, str | None]) -> bool:
        """The panel of an accordion or a tab: hidden until asked for, but an answer to the header of its button."""
        name = attributes.get("id")
        if not name or name not in self.controlled:
            return False
        return linked_chars(node) < PROSE_LINK_SHARE * chars(node)

    def title(self, node: LexborNode) -> LexborNode | None:
        """The page's only h1, where it stands in this piece of furniture."""
        return self.only_title if node.mem_id in self.around_title else None

    def _holds_the_text(self, node: LexborNode, kind: str) -> bool:
        if kind == NUMBERS:
            return not "".join(node.text().split()).isdigit()
        text = node.text()
        needed = HELD[kind] * self.text_chars
        prose = PROSE_CHARS.get(kind, len(text) + 1)
        if len(text) < min(needed, prose):
            return False
        held = without_spaces(text)
        if held < min(needed, prose) or not held:
            return False
        linked = linked_chars(node)
        return held - linked >= needed or (held >= prose and linked < PROSE_LINK_SHARE * held)


def says_nothing(attributes: dict[str, str | None]) -> bool:
    """Whether no attribute can speak for furniture, as with most elements: the quick answer."""
    get = attributes.get
    return STATES.isdisjoint(attributes) and MEANINGS[get("class")] is None and MEANINGS[get("id")] is None


def _hidden(node: LexborNode, attributes: dict[str, str | None]) -> Evidence | None:
    """Evidence that readers do not see an element, of whatever tag.

    What is hidden from screen readers alone is seen where its neighbour is what they read instead.
    """
    if "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found":
        return HIDDEN, "hidden"
    if attributes.get("aria-hidden") == "true" and not any(map(_is_read_aloud, (node.prev, node.next))):
        return HIDDEN, "aria-hidden"
    return (HIDDEN, "hidden by style") if UNSEEN[attributes.get("style")] else None


def _is_read_aloud(node: LexborNode | None) -> bool:
    found = MEANINGS[node.attributes.get("class")] if node is not None and node.is_element_node else None
    return found is not None and found[0] == HIDDEN


def _named(node: LexborNode, tag: str, attributes: dict[str, str | None]) -> Evidence | None:
    role = (attributes.get("role") or "").lower()
    if (tag == "button" or role == "tablist") and node.css_first(ANY_HEADER):
        return None  # of an accordion, whose headers open what stands below them
    if attributes.get("epub:type") == "pagebreak":
        role = "doc-pagebreak"
    if role in ROLES:
        return ROLES[role], f"role {role}"
    for name in ("class", "id"):
        value = attributes.get(name)
        found = MEANINGS[value]
        if found and not (name == "id" and _is_named_after_its_header(node, value or "")):
            return found[0], f"{name} {found[1]}"
    if tag == "aside" and NOTE_BOX.search(attributes.get("class") or ""):
        return None
    return (TAGS[tag], tag) if tag in TAGS else MEANINGS[tag] if "-" in tag else None


def is_note_mark(text: str, attributes: dict[str, str | None]) -> bool:
    """Whether a link is a footnote's mark, or the way back from one: a number that leads to another place on the page."""
    return (attributes.get("href") or "").startswith("#") and NOTE_MARK.fullmatch(text) is not None


def _is_named_after_its_header(node: LexborNode, name: str) -> bool:
    """Generators of documentation name a section `contents` or `menu` because its header says so."""
    header = node.css_first(ANY_HEADER)
    return header is not None and NO_LETTERS.sub("", header.text()).lower() == NO_LETTERS.sub("", name).lower()
