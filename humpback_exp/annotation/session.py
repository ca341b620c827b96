"""Where a rater stands: test, work or end; what comes next; and what may still be changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from humpback_exp.annotation.choices import agreement
from humpback_exp.annotation.items import Item, Study
from humpback_exp.annotation.store import Judgement, Store


@dataclass(frozen=True, slots=True)
class Rules:
    """What a researcher may change while people work."""

    pass_mark: float
    overlap: int | None
    reasons: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One rater's place in a study at this moment."""

    study: Study
    rules: Rules
    rater: str
    judged: Mapping[str, Judgement]
    """Item -> judgement of this rater, in the order they were made."""
    counts: Mapping[str, int]
    """Item -> how many people judged it."""

    @property
    def score(self) -> float | None:
        """Mean agreement with the known answers; None without a test, and until it is done."""
        test = self.study.test
        if not test or any(item.id not in self.judged for item in test):
            return None
        return sum(agreement(self.judged[item.id].value, item.known or 0) for item in test) / len(test)

    @property
    def phase(self) -> str:
        """test, failed, work or end."""
        if self.study.test and self.score is None:
            return "test"
        if self.score is not None and self.score <= self.rules.pass_mark:
            return "failed"
        return "work" if self.waiting(self.study.work) else "end"

    @property
    def items(self) -> Sequence[Item]:
        """Those of this phase; none after a failed test."""
        return {"test": self.study.test, "failed": ()}.get(self.phase, self.study.work)

    def waiting(self, items: Sequence[Item]) -> list[Item]:
        """Items this rater is still to judge."""
        most = self.rules.overlap
        free = (one for one in items if one.known is not None or most is None or self.counts.get(one.id, 0) < most)
        return [one for one in free if one.id not in self.judged]

    def find(self, item: str) -> Item | None:
        """An item of this phase that the rater has judged, or may judge now."""
        return next((one for one in self.items if one.id == item), None)

    def shown(self, item: str | None = None) -> dict[str, Any]:
        """What the page draws: how far the rater is, and an item, by default the next.

        Nothing in it tells which model wrote what.
        """
        waiting = self.waiting(self.items)
        open_now = {one.id for one in self.items}
        done = [one for one in self.judged if one in open_now]
        following = min(waiting, key=lambda one: self.study.rank(self.rater, one), default=None)
        wanted = self.find(item) if item else following
        before = done[: done.index(item)] if item in done else done
        return {
            "phase": self.phase,
            "done": len(done),
            "total": len(done) + len(waiting),
            "reasons": self.rules.reasons or self.phase == "test",
            "guidelines": list(self.study.guidelines),
            "choices": [{"value": one.value, "label": one.label, "key": one.key} for one in self.study.choices],
            "previous": before[-1] if before else None,
            "item": self._drawn(wanted) if wanted else None,
        }

    def _drawn(self, item: Item) -> dict[str, Any]:
        swapped = self.study.swapped(self.rater, item)
        there = self.judged.get(item.id)
        return {
            "id": item.id,
            "prompt": item.prompt,
            "texts": item.texts[::-1] if swapped else item.texts,
            "value": None if there is None else turned(there.value, swapped),
            "reason": there.reason if there else "",
            "revision": there.revision if there else 0,
        }


def session(study: Study, rules: Rules, store: Store, rater: str) -> Session:
    return Session(study, rules, rater, store.of(rater), store.counts() if rules.overlap else {})


def turned(value: int, swapped: bool) -> int:
    """The value of a choice with the sides exchanged."""
    return -value if swapped else value
