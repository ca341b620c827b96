"""Parquet files and JSON lines as pages: columns, addresses, ranges, and rows that cannot be used."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp.corpus import rows
from humpback_exp.corpus.pages import Page, read, units

HTML = "<h1>A</h1><p>Naïve text.</p>"
Row = dict[str, Any]


def all_pages(path: Path) -> list[Page]:
    return [page for unit in units(str(path), 2) for page in read(unit, max_page_mb=1)]


def json_lines(rows: list[Row]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def test_parquet_by_row_groups(tmp_path: Path):
    rows = [{"url": f"http://a/{n}", "html": f"<h1>{n}</h1>", "score": n} for n in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    assert [(unit.start, unit.end) for unit in units(str(tmp_path), 2)] == [(0, 1), (1, 2), (2, 3)]
    assert all_pages(tmp_path) == [Page(row["url"], row["html"].encode()) for row in rows]


def test_bytes_and_rows_without_an_address(tmp_path: Path):
    rows = [{"text": f"<h1>{n}</h1>".encode()} for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "b.parquet", row_group_size=2)
    assert [page.url for page in all_pages(tmp_path)] == ["b.parquet#0.0", "b.parquet#0.1", "b.parquet#1.0"]
    assert [page.html for page in all_pages(tmp_path)] == [row["text"] for row in rows]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.jsonl.zst"])
def test_json_lines_plain_and_packed(tmp_path: Path, name: str):
    content = json_lines([{"url": "http://a/", "text": "other", "html": HTML}, {"text": HTML}])
    if name.endswith(".gz"):
        content = gzip.compress(content)
    elif name.endswith(".zst"):
        content = pa.compress(content, "zstd", asbytes=True)
    (tmp_path / name).write_bytes(content)
    assert all_pages(tmp_path) == [Page("http://a/", HTML.encode()), Page(f"{name}#1", HTML.encode())]


def test_rows_that_cannot_be_used(tmp_path: Path):
    lines = [json_lines([{"html": HTML}]), b"{broken", b"", b"[1]", b'{"html": 3}', b'{"html": ""}', b'{"other": 1}']
    large = json_lines([{"html": "x" * (1 << 20) + "y"}])
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([*lines, large, json_lines([{"html": HTML}])]))
    found = all_pages(tmp_path)
    assert [page.reason for page in found] == ["", *["unreadable"] * 3, *["empty page"] * 2, "too large", ""]
    assert found[-1].url == "a.jsonl#8"


def test_no_column_of_pages_is_told_before_the_start(tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(json_lines([{"body": HTML, "id": 1}]))
    with pytest.raises(
        ValueError, match=f"^corpus.path={tmp_path}/a.jsonl: no column html or text among body, id; rename"
    ):
        units(str(tmp_path), 2)
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "a.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(
        ValueError, match=f"^corpus.path={tmp_path}/a.parquet: no Parquet file, or a part of one; remove"
    ):
        units(str(tmp_path), 2)


def test_a_line_beyond_all_bounds_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "MAX_LINE", 1 << 20)
    whole = json_lines([{"html": HTML}])
    (tmp_path / "a.jsonl").write_bytes(whole + b'\n{"html": "' + b"x" * (3 << 20) + b'"}\n' + whole)
    assert [page.reason for page in all_pages(tmp_path)] == ["", "unreadable", ""]


def test_halves_of_characters_and_null_characters_can_be_written(tmp_path: Path):
    rows = [
        {"url": "http://a/\ud800", "html": "<h1>A\udc00\0</h1>"},
        {"url": "http://a/\0", "text": "<h1>B\ud83d\ude00</h1>"},
    ]
    (tmp_path / "a.jsonl").write_bytes(json_lines(rows))
    found = [Page(r"http://a/\ud800", b"<h1>A?\0</h1>"), Page("http://a/\0", "<h1>B\U0001f600</h1>".encode())]
    assert all_pages(tmp_path) == found


def test_null_and_missing_cells(tmp_path: Path):
    rows = [{"url": None, "html": HTML, "text": None}, {"url": "b", "html": None, "text": HTML}, {"url": "c"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = [("a.parquet#0.0", ""), ("b", ""), ("c", "empty page")]
    assert [(page.url, page.reason) for page in all_pages(tmp_path)] == found


def paragraphs(count: int) -> list[Row]:
    drawn = random.Random(0)
    return [{"url": str(n), "html": f"<h1>{n}</h1>{drawn.randbytes(3000).hex()}"} for n in range(count)]


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
def test_a_broken_row_group_costs_no_other(tmp_path: Path, compression: str):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(paragraphs(9)), path, row_group_size=3, compression=compression)
    with pq.ParquetFile(path) as file:
        broken = file.metadata.row_group(1).column(1)
    content = bytearray(path.read_bytes())
    start = broken.dictionary_page_offset
    content[start : start + broken.total_compressed_size] = b"x" * broken.total_compressed_size
    path.write_bytes(content)
    found = [*((str(n), "") for n in range(3)), ("a.parquet", "unreadable"), *((str(n), "") for n in range(6, 9))]
    assert [(page.url, page.reason) for page in all_pages(tmp_path)] == found


def test_tables_that_end_in_the_middle_are_used_as_far_as_they_go(tmp_path: Path):
    rows = paragraphs(100)
    lines = json_lines(rows)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, pa.Table.from_pylist(rows).schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows), max_chunksize=10)
    contents = {
        "a.arrow": stream.getvalue().to_pybytes(),
        "a.jsonl.gz": gzip.compress(lines),
        "a.jsonl.zst": pa.compress(lines, "zstd", asbytes=True),
    }
    for number, (name, content) in enumerate(contents.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(content[: len(content) // 2])
        found = all_pages(folder)
        assert [page.url for page in found[:-1]] == [str(n) for n in range(len(found) - 1)]
        assert [page.reason for page in found if page.reason] == ["unreadable"]
        assert 30 < len(found) < 60, name


def test_a_file_without_rows_has_no_pages(tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(b"")
    (tmp_path / "b.jsonl").write_bytes(json_lines([{"url": "b", "html": HTML}]))
    assert [page.url for page in all_pages(tmp_path)] == ["b"]


def test_of_a_large_row_group_a_buffer_is_held(tmp_path: Path):
    drawn = random.Random(0)
    pages = pa.table({"html": [f"<h1>{n}</h1>{drawn.randbytes(8000).hex()}" for n in range(2500)]})
    pq.write_table(pages, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    del pages
    found = read(units(str(tmp_path), 1)[0])
    for n in range(2000):
        assert next(found).url == f"a.parquet#0.{n}"
    assert pa.total_allocated_bytes() < 24 << 20 < (tmp_path / "a.parquet").stat().st_size
