"""Content is identified whole, read once, and remembered no longer than the file stays what it was."""

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from humpback_exp import artifacts, progress
from humpback_exp.artifacts import content
from humpback_exp.artifacts.hashing import by_their_ends, fingerprint
from humpback_exp.config import RubricConfig, ScoreConfig, SelectConfig, StageConfig

SIZE = content.LARGE + 3 * content.BLOCK + 5
HOUR_AGO = time.time_ns() - 3_600_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; files count as settled at once, since a test does not wait."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(content, "SETTLED", -1)
    return tmp_path / "cache" / "humpback-exp" / "sha256"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.safetensors"
    path.write_bytes(b"a" * SIZE)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read whole."""
    seen: list[Path] = []
    read = content._read
    monkeypatch.setattr(content, "_read", lambda path, reading: seen.append(path) or read(path, reading))
    return seen


def edited(path: Path, at: int = SIZE // 2) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"b")


def test_a_fingerprint_is_that_of_all_bytes(large: Path) -> None:
    assert artifacts.fingerprint(str(large)) == hashlib.sha256(b"a" * SIZE).hexdigest()
    edited(large)
    assert artifacts.fingerprint(str(large)) == hashlib.sha256(large.read_bytes()).hexdigest()


def test_small_files_keep_the_fingerprints_that_earlier_versions_gave_them(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights").write_bytes(b"a" * content.LARGE)
    assert artifacts.fingerprint(str(folder)) == fingerprint(str(folder), by_their_ends)
    assert artifacts.fingerprint(str(folder / "config.json")) == hashlib.sha256(b"{}").hexdigest()
    digests = [[name, hashlib.sha256((folder / name).read_bytes()).hexdigest()] for name in ("config.json", "weights")]
    assert artifacts.fingerprint(str(folder)) == artifacts.digest(digests)


def test_a_large_file_is_read_once(large: Path, reads: list[Path], cache: Path) -> None:
    first = content.sha256_of([large])
    (tmp := large.parent / "link").symlink_to(large)
    assert content.sha256_of([large]) == content.sha256_of([tmp]) == first and reads == [large]
    (entry,) = cache.iterdir()
    assert [entry.read_text()] == first


def rewritten(path: Path) -> None:
    edited(path)


def rewritten_and_set_back(path: Path) -> None:
    state = path.stat()
    edited(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def replaced(path: Path) -> None:
    state, other = path.stat(), path.with_suffix(".other")
    other.write_bytes(b"c" * SIZE)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(path)


def lengthened(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"!")


@pytest.mark.parametrize("change", [rewritten, rewritten_and_set_back, replaced, lengthened])
def test_a_changed_file_is_read_again(large: Path, reads: list[Path], change: Callable[[Path], None]) -> None:
    content.sha256_of([large])
    change(large)
    assert content.sha256_of([large]) == [hashlib.sha256(large.read_bytes()).hexdigest()]
    assert reads == [large, large]


def test_a_file_that_was_written_a_moment_ago_is_not_remembered(
    large: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """A second write within a tick of the file system's clock would leave all facts as they are."""
    monkeypatch.setattr(content, "SETTLED", 2.0)
    content.sha256_of([large])
    assert not cache.exists()
    edited(large)
    assert content.sha256_of([large]) == [hashlib.sha256(large.read_bytes()).hexdigest()]


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    large: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(content.tqdm, "update", lambda self, count: edited(large, at=SIZE - 1))
    content.sha256_of([large])
    assert not cache.exists()


@pytest.mark.parametrize("text", ["", "no digest", "0" * 63, "é" * 64])
def test_a_damaged_entry_is_not_believed(large: Path, cache: Path, text: str) -> None:
    (right,) = content.sha256_of([large])
    (entry,) = cache.iterdir()
    entry.write_text(text)
    assert content.sha256_of([large]) == [right]
    assert entry.read_text() == right


def test_without_a_place_to_write_files_are_read_each_time(large: Path, reads: list[Path], cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert content.sha256_of([large]) == content.sha256_of([large]) and reads == [large, large]


def test_many_processes_agree(large: Path, cache: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        found = list(pool.map(content.sha256_of, [[large]] * 12))
    assert found == [[hashlib.sha256(large.read_bytes()).hexdigest()]] * 12
    assert [entry.suffix for entry in cache.iterdir()] in ([""], [])


def test_a_long_reading_is_told_in_the_log(
    large: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    with caplog.at_level(logging.INFO):
        content.sha256_of([large])
    assert caplog.messages
    for message in caplog.messages:
        assert re.fullmatch(rf"checksum of {large}: [\d.]+M? of 29.4M, [\d.?]+[kMG]?B/s, [\d:?]+ left", message)


def test_a_short_reading_is_silent(large: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        content.sha256_of([large])
    assert caplog.messages == []


def as_earlier(config: StageConfig, source: Path, finishes: bool) -> None:
    """The folder as an earlier version made it, of a raw input an hour old."""
    os.utime(source, ns=(HOUR_AGO, HOUR_AGO))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("humpback_exp.artifacts.match.fingerprint", lambda path: fingerprint(path, by_their_ends))
        artifact = artifacts.begin(config)
    (config.folder / "data").mkdir()
    (config.folder / "data" / "00000.parquet").write_bytes(b"made")
    if finishes:
        artifacts.finish(artifact, started=time.time() - 60, rows={})


@pytest.mark.parametrize("finishes", [True, False])
def test_what_an_earlier_version_made_of_a_large_file_still_counts(
    large: Path, finishes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    config = SelectConfig(output_root=str(large.parent / "out"), name="x", scored=str(large))
    as_earlier(config, large, finishes)
    with caplog.at_level(logging.INFO):
        again = artifacts.begin(config)
    assert again.finished == finishes
    assert again.manifest.inputs["scored"]["fingerprint"] == by_their_ends([large])[0] != content.sha256_of([large])[0]
    assert caplog.messages[-1].endswith("known by size and ends, which still match: scored")
    assert not artifacts.begin(SelectConfig(output_root=str(large.parent), name="y", scored=str(large))).finished


def test_an_edit_in_the_middle_since_then_is_told(large: Path) -> None:
    config = SelectConfig(output_root=str(large.parent / "out"), name="x", scored=str(large))
    as_earlier(config, large, finishes=True)
    edited(large)
    with pytest.raises(
        ValueError, match=rf"curated/x: scored={large} was written after an earlier version made"
    ) as told:
        artifacts.begin(config)
    assert "\n" not in str(told.value)


def test_folders_of_ours_beside_it_may_be_copies(large: Path) -> None:
    """They are known by their manifests, whenever their files were written."""
    model = SelectConfig(output_root=str(large.parent / "out"), name="model", scored="org/scores")
    made = artifacts.begin(model)
    (model.folder / "model.safetensors").write_bytes(b"m" * SIZE)
    artifacts.finish(made, started=time.time(), rows={"curated": 0, "scored": 0})
    rubric = RubricConfig(prompt="{instruction}")
    config = ScoreConfig(
        output_root=model.output_root, name="x", rubric=rubric, candidates=str(large), model_path=str(model.folder)
    )
    as_earlier(config, large, finishes=True)
    os.utime(model.folder / "model.safetensors", ns=(time.time_ns() + 10**12,) * 2)
    assert artifacts.begin(config).finished


def test_another_setting_of_such_a_folder_is_named_alone(large: Path) -> None:
    config = SelectConfig(output_root=str(large.parent / "out"), name="x", scored=str(large))
    as_earlier(config, large, finishes=True)
    config.min_score = 4.0
    with pytest.raises(ValueError, match=r"made by another config \(min_score=4.5 there, 4.0 here\)"):
        artifacts.begin(config)
    edited(large, at=0)
    with pytest.raises(ValueError, match=r"made by another config \(min_score=4.5 there, 4.0 here; scored=.* there, "):
        artifacts.begin(config)
