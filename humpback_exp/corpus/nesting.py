"""What a page's tags would cost the parser, told from its source before it is parsed. Called by decoding."""

import re
from collections import Counter

from humpback_exp import reasons

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^<>]*)")
BEGINNING = re.compile(r"<(/?[a-z][^\s/>]*)")
BUNDLE = 1000
"""Tags that are counted at a time."""
OUT_OF_DRAWINGS = frozenset("blockquote body center div dl h1 h2 h3 h4 h5 h6 ol p pre table ul".split())
"""Tags that end a drawing they stand in, closed or not."""
CLOSED_BY_THEMSELVES = VOID | frozenset("p li dt dd tr td th tbody thead tfoot option optgroup html head body".split())
MAX_ELEMENTS = 200_000
"""Elements of a page, which take some two seconds and 200 MB; real pages of the largest size have about as many."""
MAX_NESTING = 50_000_000
"""Sum over a page's tags of the elements open there. The parser goes through all of them at every tag: about a second."""


def too_dear(text: str) -> str:
    """The drop reason of a page with too many elements or too deep a nest of them; empty for others."""
    if text.count("<") - text.count("</") > MAX_ELEMENTS:
        return reasons.TOO_MANY_ELEMENTS
    return reasons.NESTED if _most_nesting(text) > MAX_NESTING and _nesting(text) > MAX_NESTING else ""


def _most_nesting(text: str) -> int:
    """What the nesting cannot exceed, found from the tags in bundles: quick, and near enough for most pages."""
    depths: Counter[str] = Counter()
    tags = BEGINNING.findall(text.lower())
    most = 0
    for start in range(0, len(tags), BUNDLE):
        counts = Counter(tags[start : start + BUNDLE])
        opened = {name: count for name, count in counts.items() if name[0] != "/" and name not in CLOSED_BY_THEMSELVES}
        most += BUNDLE * (depths.total() + sum(opened.values()))
        for name in {*opened, *depths}:
            # An end tag without its start counts for nothing, so those opened here may all be open in the end.
            depths[name] = max(depths[name] + opened.get(name, 0) - counts[f"/{name}"], opened.get(name, 0))
    return most


def _nesting(text: str) -> int:
    """Sum over a page's tags of the elements open there, as far as `MAX_NESTING`."""
    depths: Counter[str] = Counter()
    total = work = 0
    draws = "<svg" in text.lower() or "<math" in text.lower()
    for closing, tag, rest in TAG.findall(text):
        name = tag.lower()
        if draws and name in OUT_OF_DRAWINGS:
            depths["svg"] = depths["math"] = 0
        # In drawings and formulas, and only there, a tag may close itself.
        drawn = draws and (depths["svg"] or depths["math"]) and rest.endswith("/")
        if name in CLOSED_BY_THEMSELVES or drawn:
            continue
        if not closing:
            depths[name] += 1
            total += 1
        elif depths[name]:
            depths[name] -= 1
            total -= 1
        work += total
        if work > MAX_NESTING:
            break
    return work
