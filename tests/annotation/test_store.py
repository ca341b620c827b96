"""One row a rater and item, whatever is sent, however often, and whatever state the database is found in."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from humpback_exp.annotation import store as module
from humpback_exp.annotation.store import Conflict, Store

ABOUT = "m1 against base"


def opened(path: Path, fingerprint: str = "f") -> Store:
    return Store(path, fingerprint, ABOUT)


def kept(store: Store) -> list[tuple[object, ...]]:
    return [(row.rater, row.item, row.value, row.swapped, row.reason, row.seconds, row.revision) for row in store.all()]


def test_a_request_that_is_sent_again_changes_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "a.sqlite")
    for _ in range(3):
        store.keep("r1", "i", 1, True, "clear", 4.0, 0)
    assert kept(store) == [("r1", "i", 1, True, "clear", 4.0, 1)]


def test_a_change_of_mind_takes_the_place_of_what_it_saw(tmp_path: Path) -> None:
    store = opened(tmp_path / "a.sqlite")
    store.keep("r1", "i", 1, False, "clear", 4.0, 0)
    store.keep("r1", "i", -1, False, "wrong", 2.0, 1)
    store.keep("r1", "i", -1, False, "wrong", 2.0, 1)
    assert kept(store) == [("r1", "i", -1, False, "wrong", 6.0, 2)]
    with pytest.raises(Conflict):
        store.keep("r1", "i", 0, False, "same", 1.0, 0)
    assert kept(store) == [("r1", "i", -1, False, "wrong", 6.0, 2)]


def test_what_is_kept_is_on_the_disk_and_links_stay(tmp_path: Path) -> None:
    store = opened(tmp_path / "a.sqlite")
    assert store.database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.database.execute("PRAGMA synchronous").fetchone() == (2,)
    links = store.raters(2)
    store.keep("r1", "i", 1, False, "clear", 4.0, 0)
    again = opened(tmp_path / "a.sqlite")
    assert kept(again) == [("r1", "i", 1, False, "clear", 4.0, 1)]
    assert [*again.raters(3)] == ["r1", "r2", "r3"]
    assert again.raters(1) | links == again.raters(1)
    assert len({*again.raters(1).values()}) == 3 and all(len(token) == 22 for token in links.values())
    assert (tmp_path / "a.sqlite").stat().st_mode & 0o077 == 0


def test_judgements_of_something_else_are_refused(tmp_path: Path) -> None:
    opened(tmp_path / "a.sqlite").close()
    with pytest.raises(
        ValueError, match="a.sqlite: holds judgements of m1 against base, not of m2 against base; choose"
    ):
        Store(tmp_path / "a.sqlite", "g", "m2 against base")


def test_a_locked_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS", 0.05)
    opened(tmp_path / "a.sqlite").close()
    other = sqlite3.connect(tmp_path / "a.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ValueError, match="a.sqlite: database is locked; end the other program"):
        opened(tmp_path / "a.sqlite")


@pytest.mark.parametrize("damage", ["torn", "foreign"])
def test_a_damaged_copy_is_named(tmp_path: Path, damage: str) -> None:
    store = opened(tmp_path / "a.sqlite")
    for number in range(400):
        store.keep("r1", f"item {number}", 1, False, "a reason of some length " * 4, 1.0, 0)
    store.close()
    copy = tmp_path / "copy.sqlite"
    shutil.copy(tmp_path / "a.sqlite", copy)
    whole = copy.read_bytes()
    # The pages of a copy made in mid-write: the first ones of one moment, the later ones missing.
    copy.write_bytes(whole[: len(whole) // 2 // 4096 * 4096] if damage == "torn" else b"not a database" * 100)
    with pytest.raises(ValueError, match="copy.sqlite: damaged .*copy it again with sqlite3 FILE"):
        opened(copy)
