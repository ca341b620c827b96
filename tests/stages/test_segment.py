"""The whole stage on small pages: rows, counts, refusals, and the same bytes after a kill and with any number of workers."""

from pathlib import Path
from typing import Any

import pytest

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, SegmentConfig, TrackingConfig
from humpback_exp.corpus import results
from humpback_exp.execution.launch import launch
from humpback_exp.records import DroppedSegment, Segment, read

PLACES = (
    "the cellar",
    "an attic",
    "that harbour",
    "a chapel",
    "our orchard",
    "the mill",
    "some quarry",
    "a lighthouse",
)
THINGS = ("barrels", "ledgers", "lanterns", "ropes", "kettles", "maps", "looms", "clocks", "saddles", "anvils", "nets")


def prose(number: int, sentences: int = 9) -> str:
    """English that no other number shares."""
    lines = []
    for n in range(number * sentences, (number + 1) * sentences):
        place, thing, other = PLACES[n % 8], THINGS[n % 11], THINGS[n * 7 % 11]
        lines.append(
            f"In {place} of house {n} they kept {n * n + 1} old {thing} and wrote {n * 3 + 2} notes about {other}{n}."
        )
    return " ".join(lines)


def corpus(folder: Path, pages: int = 12) -> Path:
    folder.mkdir()
    for number in range(pages):
        body = f"<h1>Page {number}</h1><p>Short.</p><h2>Part</h2><p>{prose(number)}</p><h2>LOUD</h2><p>No.</p>"
        (folder / f"{number:03d}.html").write_text(f"<html><body>{body}</body></html>")
    return folder


def config(tmp_path: Path, pages: Path, name: str = "web", **changes: Any) -> SegmentConfig:
    settings: dict[str, Any] = {"workers": 1, "chunk_size": 4} | changes
    return SegmentConfig(
        output_root=str(tmp_path / "out"),
        name=name,
        corpus=CorpusConfig(path=str(pages)),
        tracking=TrackingConfig(mode="none"),
        **settings,
    )


def digests(folder: Path) -> dict[str, str]:
    files = [*folder.glob("data/*"), *folder.glob("dropped/*")]
    return {path.relative_to(folder).as_posix(): artifacts.sha256(path) for path in sorted(files)}


def test_rows_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pages = corpus(tmp_path / "pages")
    (pages / "zz-copy.html").write_bytes((pages / "003.html").read_bytes())
    (pages / "image.html").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (pages / "empty.htm").write_bytes(b"")
    (pages / "plain.html").write_text("<p>no header here</p>")
    folder = launch(config(tmp_path, pages))
    manifest = artifacts.load(folder)
    assert manifest.rows == {"pages": 16, "segments found": 39, "segments": 12}
    assert manifest.drops == {
        "header in capitals": 13,
        "covered by its parts": 13,
        "duplicate": 1,
        "page: not html": 1,
        "page: empty page": 1,
        "page: no header": 1,
    }
    rows = list(read(folder, Segment))
    assert [(row.url, row.heading_path) for row in rows[:2]] == [
        ("000.html", ["Page 0", "Part"]),
        ("001.html", ["Page 1", "Part"]),
    ]
    assert rows[0].text == prose(0)
    assert (rows[0].id, rows[0].offset) == ("a986c24ca6b68ac4", 40)
    assert len({row.id for row in rows}) == 12
    dropped = list(read(folder, DroppedSegment, "dropped"))
    assert {row.reason for row in dropped} == {"header in capitals", "covered by its parts", "duplicate"}
    capitals = [row for row in dropped if row.reason == "header in capitals"]
    assert capitals[0].excerpt == "No." and capitals[0].chars == 3
    assert not (folder / "checkpoints").exists()
    assert "dropped: covered by its parts" in capsys.readouterr().out


def test_workers_and_chunks_do_not_change_a_byte(tmp_path: Path):
    pages = corpus(tmp_path / "pages")
    one = digests(launch(config(tmp_path, pages, "one")))
    assert digests(launch(config(tmp_path, pages, "three", workers=3, chunk_size=1))) == one
    assert set(one) == {"data/00000.parquet", "dropped/00000.parquet"}


def test_nothing_left(tmp_path: Path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_text("<h1>One</h1>short<h2>Two</h2>x<h1>LOUD</h1>")
    (pages / "b.html").write_text("")
    with pytest.raises(ValueError) as error:
        launch(config(tmp_path, pages))
    assert "no segment is left of 3 found in 2 pages; most were dropped for: too short 2, " in str(error.value)
    assert "\n" not in str(error.value)


def test_no_pages(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file or folder"):
        launch(config(tmp_path, tmp_path / "missing"))


def test_a_second_run_is_skipped_and_another_corpus_refused(tmp_path: Path):
    pages = corpus(tmp_path / "pages", 3)
    folder = launch(config(tmp_path, pages))
    before = (folder / "manifest.json").read_bytes()
    launch(config(tmp_path, pages))
    assert (folder / "manifest.json").read_bytes() == before
    (pages / "new.html").write_text("<h1>New</h1>")
    with pytest.raises(ValueError, match="corpus.path"):
        launch(config(tmp_path, pages))


def test_a_committed_chunk_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from humpback_exp.corpus import chunks

    pages, work, done = corpus(tmp_path / "pages"), chunks.work, []

    def failing(unit: Any, *rest: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(unit.number)
        return work(unit, *rest)

    monkeypatch.setattr(chunks, "work", failing)
    with pytest.raises(KeyboardInterrupt):
        launch(config(tmp_path, pages))
    assert done == [0, 1]
    again: list[int] = []
    monkeypatch.setattr(chunks, "work", lambda unit, *rest: (again.append(unit.number), work(unit, *rest))[1])
    folder = launch(config(tmp_path, pages))
    assert again == [2]
    monkeypatch.setattr(chunks, "work", work)
    assert digests(folder) == digests(launch(config(tmp_path, pages, "unbroken")))


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_while_the_results_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int):
    pages, write = corpus(tmp_path / "pages"), results.write

    def half(chunks: Path, number: int, folder: Path, *rest: Any) -> int:
        (folder / "data").mkdir()
        (folder / "data/.00000.parquet.half.tmp").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "write", half)
    with pytest.raises(KeyboardInterrupt):
        launch(config(tmp_path, pages, workers=workers))
    monkeypatch.setattr(results, "write", write)
    folder = launch(config(tmp_path, pages, workers=workers))
    assert [path.name for path in (folder / "data").iterdir()] == ["00000.parquet"]
