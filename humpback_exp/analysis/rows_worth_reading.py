"""Rows worth reading: candidates rated best and worst, dropped ones, and held-out prompts answered by several models."""

from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp.analysis.folders import try_read
from humpback_exp.analysis.measures import pair_key
from humpback_exp.analysis.scores import Scored
from humpback_exp.analysis.settings import Setting
from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.records import Answer, Candidate, ScoredCandidate, Verdict, parts, read, read_file

FILES = 8
"""Files looked through for dropped rows; a corpus has thousands."""
PER_REASON = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """One model's side of a held-out prompt."""

    name: str
    text: str | None
    """None where only the loss was measured."""
    loss: float
    outcome: str
    """The judge's verdict against the reference; empty where none was asked."""
    preference: float | None
    """Mean probability the judge gives this answer over the reference's, of both orders."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A held-out prompt, the human's answer, and each model's."""

    instruction: str
    human: str
    replies: list[Reply]

    @property
    def answered(self) -> bool:
        """By every model."""
        return all(reply.text is not None for reply in self.replies)

    @property
    def losses(self) -> float:
        """Widest gap between two models' losses, in nats a token."""
        return _spread([reply.loss for reply in self.replies])

    @property
    def verdicts(self) -> float:
        """Widest gap between the judge's preferences; 0 where its verdicts agree or it was not asked of all."""
        preferences = [reply.preference for reply in self.replies if reply.preference is not None]
        decided = len({reply.outcome for reply in self.replies}) > 1
        return _spread(preferences) if decided and len(preferences) == len(self.replies) else 0.0


def prompts(catalog: Catalog, sides: Sequence[Setting]) -> list[Prompt]:
    """The held-out prompts that fit the context of all models, in the first one's order.

    Args:
        sides: settings of one run each.
    """
    found = [_replies(catalog, side) for side in sides]
    return [
        Prompt(answer.instruction, answer.human, [own[row][1] for own in found])
        for row, (answer, _) in (found[0] if found else {}).items()
        if all(row in own for own in found)
    ]


def _replies(catalog: Catalog, side: Setting) -> dict[str, tuple[Answer, Reply]]:
    def reader(folder: Folder) -> dict[str, tuple[Answer, Reply]]:
        verdicts = {row.id: row for row in read(folder.path, Verdict, "verdicts")}
        rows = [row for row in read(folder.path, Answer) if row.labels]
        return {pair_key(row): (row, _reply(side.label, row, verdicts.get(row.id))) for row in rows}

    return try_read(catalog, side.runs[0].folder, reader) or {}


def _reply(name: str, row: Answer, verdict: Verdict | None) -> Reply:
    judged = ("", None) if verdict is None else (verdict.outcome, verdict.preference)
    return Reply(name, row.answer, row.loss, *judged)


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values) if values else 0.0


def extremes(catalog: Catalog, scored: Scored, count: int) -> tuple[list[ScoredCandidate], list[ScoredCandidate]]:
    """The best and the worst rated rows, never the same one twice."""
    rated = scored.rated
    count = min(count, len(rated) // 2) or min(1, len(rated))
    best, worst = rated[:count], rated[count:][-count:][::-1]
    files = sorted({path for path, _ in [*best, *worst]})
    found = try_read(
        catalog, scored.folder, lambda _: [row for path in files for row in read_file(path, ScoredCandidate)]
    )
    by_id = {row.id: row for row in found or []}
    return [by_id[row.id] for _, row in best if row.id in by_id], [by_id[row.id] for _, row in worst if row.id in by_id]


def dropped(catalog: Catalog, folders: Sequence[Folder]) -> list[Candidate]:
    """A few dropped instructions of every reason, from the first files of each candidates folder."""
    found: dict[str, list[Candidate]] = {}
    for folder in folders:
        for row in try_read(catalog, folder, _dropped) or []:
            found.setdefault(row.dropped, []).append(row)
    return [row for reason in sorted(found) for row in found[reason][:PER_REASON]]


def _dropped(folder: Folder) -> list[Candidate]:
    return [row for path in parts(folder.path)[:FILES] for row in read_file(path, Candidate) if row.dropped]
