"""Parquet files and JSON lines as pages: columns, addresses, ranges, and rows that cannot be used."""

import gzip
import json
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
