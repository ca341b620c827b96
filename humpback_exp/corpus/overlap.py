"""Of segments that lie inside one another, which are kept. Called by chunks, a page at a time."""

from humpback_exp import reasons as why
from humpback_exp.corpus.segments import Section


def resolve(sections: list[Section], reasons: list[str | None], subtree: str, covered: float) -> list[str | None]:
    """The reasons of a page's sections when no two that overlap are kept.

    Args:
        sections: in the order of their headers.
        reasons: why each is dropped; None for one that passed the filters.
        subtree: `ancestor` keeps the whole, unless its parts hold `covered` of its characters and say under headers of
            their own what it says; `leaf` keeps the parts.
    """
    reasons = list(reasons)
    after: list[int] = []
    for at in range(len(sections) - 1, -1, -1):
        if reasons[at]:
            continue
        whole = sections[at]
        inside: list[int] = []
        while after and sections[after[-1]].start < whole.end:
            inside.append(after.pop())
        chars = sum(len(sections[part].text) for part in inside)
        if inside and (subtree == "leaf" or chars >= covered * len(whole.text)):
            reasons[at] = why.COVERED
            after += reversed(inside)
        else:
            for part in inside:
                reasons[part] = why.INSIDE
            after.append(at)
    return reasons
