"""Judgements in SQLite: one row for each rater and item, on the disk before it is acknowledged.

Every judgement names the revision it replaces. So a request that is sent again changes nothing, and of two windows on one
item the second is told, instead of overwriting the first.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

TABLES = """
CREATE TABLE IF NOT EXISTS study (fingerprint TEXT NOT NULL, about TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rater (name TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS judgement (
  rater TEXT NOT NULL, item TEXT NOT NULL, value INTEGER NOT NULL, swapped INTEGER NOT NULL, reason TEXT NOT NULL,
  seconds REAL NOT NULL, revision INTEGER NOT NULL, judged_at TEXT NOT NULL, PRIMARY KEY (rater, item)
);
"""
WAITS = 5.0
"""Seconds to wait, at the start, for another program that holds the database."""
ASKED_AGAIN = 250
"""Milliseconds to wait for it later, since everybody waits along; the page sends a judgement again that was not written."""
KEEP = """
INSERT INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ'))
ON CONFLICT (rater, item) DO UPDATE SET value = excluded.value, reason = excluded.reason,
  seconds = judgement.seconds + excluded.seconds, revision = excluded.revision, judged_at = excluded.judged_at
WHERE judgement.revision = excluded.revision - 1
"""


class Conflict(Exception):
    """The item was judged otherwise in the meantime."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rater chose."""

    rater: str
    item: str
    value: int
    """Of the choice, with the sides put back: positive where our text is better."""
    swapped: bool
    """Whether the second text stood first."""
    reason: str
    seconds: float
    """The item was before the rater's eyes, all visits added up."""
    revision: int
    """1, and one more for every change of mind."""
    judged_at: str


class Store:
    """The database of one study. It is used by one thread."""

    def __init__(self, path: Path, fingerprint: str, about: str) -> None:
        """Open it, or make it.

        Args:
            fingerprint: of what is judged.
            about: the same for a person to read.

        Raises:
            ValueError: another program holds it, it is damaged, or it holds judgements of something else.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._said():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # the links in it are private
            self.database = sqlite3.connect(path, timeout=WAITS, isolation_level=None, check_same_thread=False)
            self.database.execute("PRAGMA journal_mode = WAL")
            self.database.execute("PRAGMA synchronous = FULL")
            fault = self.database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if fault != "ok":
                raise sqlite3.DatabaseError(fault)
            self.database.executescript(
                f"BEGIN IMMEDIATE; {TABLES} COMMIT;"
            )  # fails at once where nothing can be written
            there = self.database.execute("SELECT fingerprint, about FROM study").fetchone()
            if there is None:
                self.database.execute("INSERT INTO study VALUES (?, ?)", (fingerprint, about))
            self.database.execute(f"PRAGMA busy_timeout = {ASKED_AGAIN}")
        if there is not None and there[0] != fingerprint:
            remedy = "" if self.counts() else ", or delete it, since nothing is judged in it yet"
            raise ValueError(f"{path}: holds judgements of {there[1]}, not of {about}; choose another name={remedy}")

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ValueError(f"{self.path}: {error}; end the other program that uses it, or free the disk") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path}: damaged ({' '.join(str(error).split())}), as by a copy made while it was written; "
                'copy it again with sqlite3 FILE ".backup COPY"'
            ) from error

    def close(self) -> None:
        self.database.close()

    def raters(self, count: int) -> dict[str, str]:
        """Name -> private token of all raters; made up to `count`, and never taken back."""
        for number in range(1, count + 1):
            self.database.execute("INSERT OR IGNORE INTO rater VALUES (?, ?)", (f"r{number}", token_urlsafe(16)))
        found = self.database.execute("SELECT name, token FROM rater ORDER BY rowid")
        return dict(found.fetchall())

    def keep(self, rater: str, item: str, value: int, swapped: bool, reason: str, seconds: float, seen: int) -> None:
        """Write a judgement, in place of the rater's own of revision `seen`; 0 for none.

        Raises:
            Conflict: another one is there, and it is not this one.
            sqlite3.OperationalError: another program holds the database.
        """
        row = (rater, item, value, swapped, reason, seconds, seen + 1)
        if self.database.execute(KEEP, row).rowcount == 0:
            there = self.judgement(rater, item)
            if there is None or (there.value, there.reason, there.revision) != (value, reason, seen + 1):
                raise Conflict

    def judgement(self, rater: str, item: str) -> Judgement | None:
        return next(self._judgements("WHERE rater = ? AND item = ?", rater, item), None)

    def of(self, rater: str) -> dict[str, Judgement]:
        """Item -> judgement of one rater, in the order they were made."""
        return {row.item: row for row in self._judgements("WHERE rater = ? ORDER BY judged_at, rowid", rater)}

    def all(self) -> list[Judgement]:
        return list(self._judgements("ORDER BY rater, item"))

    def counts(self) -> dict[str, int]:
        """Item -> how many people judged it."""
        return dict(self.database.execute("SELECT item, count(*) FROM judgement GROUP BY item").fetchall())

    def _judgements(self, where: str, *values: str) -> Iterator[Judgement]:
        for row in self.database.execute(f"SELECT * FROM judgement {where}", values):
            rater, item, value, swapped, reason, seconds, revision, judged_at = row
            yield Judgement(rater, item, value, bool(swapped), reason, seconds, revision, judged_at)
