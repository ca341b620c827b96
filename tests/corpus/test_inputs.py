"""Where a corpus may lie, which part of it is read, and what identifies it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import addresses, hashing
from humpback_exp.config import CorpusConfig, SegmentConfig, TrackingConfig
from humpback_exp.config.corpus import StreamConfig
from humpback_exp.corpus import archives, files, listing, sites
from humpback_exp.corpus.pages import Page, read, units
from humpback_exp.execution.launch import launch
from humpback_exp.records import Segment
from humpback_exp.records import read as read_rows
from humpback_exp.stages import segment
from tests.corpus.test_pages import HTML, http, warc
from tests.stages.test_segment import corpus, prose

ROW = {"url": "http://a/", "html": HTML.decode()}


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    fs = fsspec.filesystem("memory")
    yield fs
    fs.rm("/corpus", recursive=True)


def config(root: Path, path: str, name: str = "web", **corpus: object) -> SegmentConfig:
    return SegmentConfig(
        output_root=str(root),
        name=name,
        corpus=CorpusConfig(path=path, **corpus),
        tracking=TrackingConfig(mode="none"),
        workers=1,
        chunk_size=4,
    )


def all_pages(path: Path | str) -> list[Page]:
    return [page for unit in units(str(path), 2) for page in read(unit)]


def urls(wanted: SegmentConfig) -> list[str]:
    return [page.url for unit in segment.bulk(wanted).rows() for page in read(unit)]


def test_an_address_gives_the_pages_of_the_folder(memory: fsspec.AbstractFileSystem, tmp_path: Path):
    pq.write_table(pa.Table.from_pylist([ROW] * 3), tmp_path / "t.parquet", row_group_size=2)
    contents = {
        "b/a.html": HTML,
        "a.html.gz": gzip.compress(HTML),
        "c/w.warc.gz": warc(("http://w/1", http()), ("http://w/2", http()), zipped=True),
        "c/w.warc": warc(("http://w/3", http())),
        "c/z.warc.zst": pa.compress(warc(("http://w/4", http())), "zstd", asbytes=True),
        "d.jsonl.zst": pa.compress(json.dumps(ROW).encode(), "zstd", asbytes=True),
        "t.parquet": (tmp_path / "t.parquet").read_bytes(),
    }
    for name, content in contents.items():
        memory.pipe(f"/corpus/{name}", content)
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_bytes(content)
    found = all_pages("memory://corpus")
    assert len(found) == 10
    assert found == all_pages(tmp_path / "here")
    assert all_pages("memory://corpus/b/a.html") == [Page("a.html", HTML)]
    with pytest.raises(ValueError, match="^corpus.path=memory://corpus/none: nothing there; name a file, or"):
        all_pages("memory://corpus/none")


def test_a_lost_connection_is_taken_up_again(memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch):
    memory.pipe("/corpus/a.bin", bytes(range(250)) * 9000)
    monkeypatch.setattr(addresses, "WAITS", (0.0, 0.0))
    opened = files.File("memory://corpus", "a.bin").open()
    failures = iter([True, True, False, True] + [False] * 999)
    whole = type(opened.raw)._read

    def failing(raw: object, size: int) -> bytes:
        if next(failures):
            raise ConnectionResetError
        return whole(raw, size)

    monkeypatch.setattr(type(opened.raw), "_read", failing)
    assert opened.read() == bytes(range(250)) * 9000
    opened.seek(7)
    failures = iter([True] * 9)
    with pytest.raises(ValueError, match="^corpus.path=memory://corpus/a.bin: cannot be read .ConnectionResetError"):
        opened.read()


def test_a_list_of_paths_is_read_below_its_base(tmp_path: Path):
    (tmp_path / "crawl/one").mkdir(parents=True)
    (tmp_path / "crawl/one/b.warc").write_bytes(warc(("http://b/", http())))
    (tmp_path / "crawl/a.warc.gz").write_bytes(warc(("http://a/", http()), zipped=True))
    paths = tmp_path / "warc.paths.gz"
    paths.write_bytes(gzip.compress(b"one/b.warc\na.warc.gz\n\nmissing.warc\n"))
    wanted = config(tmp_path / "out", str(paths), base=str(tmp_path / "crawl"))
    assert urls(wanted) == ["http://b/", "http://a/", "missing.warc"]
    paths.write_bytes(gzip.compress(b"../secret.warc\n"))
    with pytest.raises(ValueError, match="^corpus.path=.*warc.paths.gz: ../secret.warc leads out of corpus.base="):
        urls(config(tmp_path / "other", str(paths), base=str(tmp_path / "crawl")))
    paths.write_bytes(b"s3://elsewhere/a.warc\n")
    with pytest.raises(ValueError, match=r"^corpus.path=.*warc.paths.gz: no whole gzip file \(Not a gzipped file"):
        urls(config(tmp_path / "third", str(paths), base=str(tmp_path / "crawl")))
    paths.write_bytes(gzip.compress(b"s3://elsewhere/a.warc\n"))
    with pytest.raises(ValueError, match="s3://elsewhere/a.warc leads out of corpus.base="):
        urls(config(tmp_path / "fourth", str(paths), base=str(tmp_path / "crawl")))


def test_rows_without_an_address_have_that_of_their_file(tmp_path: Path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_text(json.dumps({"html": HTML.decode()}))
    assert [page.url for page in all_pages(tmp_path)] == ["x/a.jsonl#0", "y/a.jsonl#0"]


@pytest.mark.parametrize("size", [1, 37, 100, 999])
def test_lines_are_shared_out_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int):
    monkeypatch.setattr(archives, "RANGE", size)
    rows = [ROW | {"url": f"http://a/{n}"} for n in range(9)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [page.url for page in all_pages(tmp_path)] == [row["url"] for row in rows]


def test_a_folder_laid_out_like_a_dataset_is_read_by_its_split(tmp_path: Path):
    data = tmp_path / "set"
    for split in ("train", "test"):
        for part in ("x", "y"):
            (data / split / part).mkdir(parents=True)
            rows = [{"html": HTML.decode()}]
            (data / split / part / "0.jsonl").write_text(json.dumps(rows[0]))
    files = "".join(f"  - {{split: {split}, path: {split}/**}}\n" for split in ("train", "test"))
    card = f"---\nconfigs:\n- config_name: all\n  data_files:\n{files}---\n"
    (data / "README.md").write_text(card)
    wanted = config(tmp_path / "out", str(data), dataset=StreamConfig(name="all", split="test"))
    assert urls(wanted) == ["x/0.jsonl#0", "y/0.jsonl#0"]
    with pytest.raises(ValueError, match="^corpus.dataset.split=dev: .* has no dev, but train, test$"):
        urls(config(tmp_path / "out2", str(data), dataset=StreamConfig(split="dev")))


def test_a_dataset_that_the_library_saved(tmp_path: Path):
    from datasets import Dataset

    Dataset.from_list([ROW | {"url": f"http://a/{n}"} for n in range(150)]).save_to_disk(str(tmp_path / "saved"))
    assert [page.url for page in all_pages(tmp_path / "saved")] == [f"http://a/{n}" for n in range(150)]


def test_the_list_of_units_is_the_same_as_in_memory(tmp_path: Path):
    for n in range(200):
        folder = tmp_path / "pages" / f"{n % 3}" / ("deep" if n % 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{n}.html").write_bytes(HTML)
    found = units(str(tmp_path / "pages"), 7)
    sites.add_neighbours(found)
    lines = listing.Listing(tmp_path / "made/units.jsonl")
    lines.write_with_neighbours(units(str(tmp_path / "pages"), 7))
    assert list(lines) == found
    assert lines.total == len(found) == 29
    assert {site: len(names) for unit in found for site, names in unit.neighbours.items()} == {
        **{str(n): 64 for n in range(3)},
        "0/deep": 33,
        "1/deep": 34,
        "2/deep": 33,
    }


def test_counts_of_small_sites_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for n in range(60):
        (tmp_path / f"{n:02d}").mkdir()
        for number in range(6 if n % 7 == 0 else 1):
            (tmp_path / f"{n:02d}" / f"{number}.html").write_bytes(HTML)
    found = units(str(tmp_path), 4)
    whole = sites.samples(found)
    monkeypatch.setattr(sites, "MOST", 3)
    assert sites.samples(found) == whole
    assert sorted(whole) == [f"{n:02d}" for n in range(0, 60, 7)]


def test_much_is_known_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pages = corpus(tmp_path / "pages", 3)
    by_content = artifacts.fingerprint(str(pages))
    folder = launch(config(tmp_path / "out", str(pages)))
    monkeypatch.setattr(hashing, "MUCH", 1)
    by_state = artifacts.fingerprint(str(pages))
    assert by_state != by_content
    launch(config(tmp_path / "out", str(pages)))  # the folder that was made by content is still the same
    assert artifacts.is_still(str(pages), by_content)
    (pages / "000.html").touch()
    assert artifacts.fingerprint(str(pages)) != by_state
    assert artifacts.load(folder).inputs["corpus.path"]["fingerprint"] == by_content


def test_an_address_is_known_by_what_is_said_of_it(memory: fsspec.AbstractFileSystem, tmp_path: Path):
    for n in range(3):
        memory.pipe(f"/corpus/{n}.html", f"<h1>Page</h1><p>{prose(n)}</p>".encode())
    folder = launch(config(tmp_path, "memory://corpus"))
    assert [row.text for row in read_rows(folder, Segment)] == [prose(n) for n in range(3)]
    before = artifacts.fingerprint("memory://corpus")
    memory.pipe("/corpus/0.html", b"<h1>A</h1>")
    assert artifacts.fingerprint("memory://corpus") != before
