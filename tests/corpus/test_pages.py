"""Folders and archives -> pages: what is found, in which order, and what is said of what cannot be used."""

import gzip
import io
import logging
import os
from pathlib import Path

import pytest
from fastwarc.stream_io import BrotliWriter
from fastwarc.warc import WarcRecord, WarcRecordType

from humpback_exp.corpus import markdown
from humpback_exp.corpus.pages import Page, read, units
from humpback_exp.corpus.segments import sections

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "warc"
HTML = b"<html><body><h1>A</h1><p>Text.</p></body></html>"


def http(body: bytes = HTML, kind: str = "text/html; charset=utf-8", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}\r\n".encode() + body


def warc(*records: tuple[str, bytes], kind: str = "response", zipped: bool = False) -> bytes:
    out = b""
    for url, content in records:
        head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(content)}\r\n"
        typed = "text/html; charset=latin-1" if kind == "resource" else "application/http; msgtype=response"
        record = f"{head}Content-Type: {typed}\r\n\r\n".encode() + content + b"\r\n\r\n"
        out += gzip.compress(record, mtime=0) if zipped else record
    return out


def brotli(content: bytes) -> bytes:
    out = io.BytesIO()
    with BrotliWriter(out) as writer:
        writer.write(content)
    return out.getvalue()


def all_pages(path: Path) -> list[Page]:
    return [page for unit in units(str(path), 2) for page in read(unit)]


def written(folder: Path, content: bytes, name: str = "a.warc") -> list[Page]:
    (folder / name).write_bytes(content)
    return all_pages(folder)


def test_html_files_in_order_with_relative_urls(tmp_path: Path):
    for name in ("b/z.HTM", "b/a.html", "a.xhtml", "c.txt", "b.html", "b/x.html.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = units(str(tmp_path), 2)
    assert [len(unit.files) for unit in found] == [2, 2, 1]
    assert [(page.url, page.html) for page in all_pages(tmp_path)] == [
        (name, name.encode()) for name in ("a.xhtml", "b.html", "b/a.html", "b/x.html.gz", "b/z.HTM")
    ]
    assert [page.url for page in all_pages(tmp_path / "b" / "a.html")] == ["a.html"]


def test_an_archive_is_a_unit(tmp_path: Path):
    for name in ("a.html", "c.html", "d.html"):
        (tmp_path / name).write_bytes(HTML)
    (tmp_path / "b.warc").write_bytes(warc(("http://b/", http())))
    assert [unit.names for unit in units(str(tmp_path), 2)] == [
        ["a.html", "c.html"],
        ["d.html"],
        ["b.warc"],
    ]


def test_nothing_to_read(tmp_path: Path):
    with pytest.raises(ValueError, match=f"^corpus.path={tmp_path}: no page among 0 files; give"):
        units(str(tmp_path), 2)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match="no page among 1 files"):
        units(str(tmp_path), 2)
    with pytest.raises(ValueError, match=f"^corpus.path={tmp_path}/no: no such file or folder; point"):
        units(f"{tmp_path}/no", 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_leave_to_read(tmp_path: Path):
    (tmp_path / "in").mkdir(mode=0)
    with pytest.raises(ValueError, match="Permission denied"):
        units(str(tmp_path), 2)


def test_a_file_that_goes_away(tmp_path: Path):
    (tmp_path / "a.html").write_bytes(HTML)
    (unit,) = units(str(tmp_path), 2)
    (tmp_path / "a.html").unlink()
    assert [(page.url, page.reason) for page in read(unit)] == [("a.html", "unreadable")]


@pytest.mark.parametrize("zipped", [False, True])
def test_warc(tmp_path: Path, zipped: bool):
    content = (
        warc(
            ("http://a/", http()),
            ("<http://b/c d>", http(kind="application/xhtml+xml")),
            ("http://c/", http(kind="image/png")),
            ("http://d/", http(status="404 Not Found")),
            zipped=zipped,
        )
        + warc(("http://e/", HTML), kind="resource", zipped=zipped)
        + warc(("http://f/", HTML), kind="request", zipped=zipped)
    )
    assert written(tmp_path, content, "a.warc.gz" if zipped else "a.warc") == [
        Page("http://a/", HTML, "utf-8"),
        Page("http://b/c d", HTML),
        Page("http://c/", reason="not html"),
        Page("http://d/", reason="http status"),
        Page("http://e/", HTML, "latin-1"),
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (
            b"5\r\n" + HTML[:5] + b"\r\n%x\r\n" % len(HTML[5:]) + HTML[5:] + b"\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n",
        ),
        (gzip.compress(HTML, mtime=0), "Content-Encoding: gzip\r\n"),
        (brotli(HTML), "Content-Encoding: br\r\n"),
        (HTML, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"),
    ],
    ids=["chunked", "gzip", "brotli", "neither, though declared"],
)
def test_http_encodings(tmp_path: Path, body: bytes, headers: str):
    (page,) = written(tmp_path, warc(("http://a/", http(body, more=headers))))
    assert (page.html, page.reason) == (HTML, "")


def test_a_page_whose_encoding_is_broken(tmp_path: Path):
    content = warc(("http://a/", http(b"no zip" * 9, more="Content-Encoding: gzip\r\n")), ("http://b/", http()))
    assert written(tmp_path, content) == [
        Page("http://a/", reason="undecodable"),
        Page("http://b/", HTML, "utf-8"),
    ]


def test_a_warc_from_its_own_library(tmp_path: Path):
    record, out = WarcRecord(), io.BytesIO()
    record.init_headers(WarcRecordType.response)
    record.headers["WARC-Target-URI"] = "http://a/"
    record.is_http = True
    record.set_bytes_content(http())
    record.write(out)
    assert written(tmp_path, out.getvalue()) == [Page("http://a/", HTML, "utf-8")]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_truncated_archive(tmp_path: Path, caplog: pytest.LogCaptureFixture, zipped: bool):
    content = warc(("http://a/", http()), ("http://b/", http(b"<p>" + bytes(range(32, 127)) * 30)), zipped=zipped)
    with caplog.at_level(logging.WARNING, "humpback_exp"):
        first, second, end = written(tmp_path, content[:-30], "a.warc.gz" if zipped else "a.warc")
    assert (first.html, second.url) == (HTML, "http://b/")
    assert (end.url, end.reason) == ("a.warc.gz" if zipped else "a.warc", "truncated archive")
    assert [str(tmp_path) in line for line in caplog.messages] == [True]


def test_records_after_a_break_are_found_once(tmp_path: Path):
    content = warc(("http://a/", http())) + b"!!broken!!\r\n\r\n" + warc(("http://b/", http()))
    assert [(page.url, page.reason) for page in written(tmp_path, content)] == [
        ("http://a/", ""),
        ("http://b/", ""),
        ("a.warc", "truncated archive"),
    ]


@pytest.mark.parametrize("content", [b"garbage\n" * 9, b"\x1f\x8b\x08", bytes(100)])
@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "a.arc", "a.arc.gz"])
def test_an_archive_that_is_none(tmp_path: Path, content: bytes, name: str):
    assert [(page.url, page.reason) for page in written(tmp_path, content, name)] == [(name, "truncated archive")]


@pytest.mark.parametrize("name", ["a.arc", "a.arc.gz"])
def test_arc(tmp_path: Path, name: str):
    body = http()
    header = b"filedesc://x 0.0.0.0 20140216050221 text/plain 4\n1 0\n\n"
    content = header + b"http://a/b c 1.2.3.4 20140216050221 text/html %d\n" % len(body) + body + b"\n"
    packed = gzip.compress(content) if name.endswith("gz") else content
    assert written(tmp_path, packed, name) == [Page("http://a/b c", HTML, "utf-8")]
    cut = gzip.compress(content[:-20]) if name.endswith("gz") else content[:-20]
    assert [page.reason for page in written(tmp_path, cut, name)] == ["", "truncated archive"]


EXPECTED = {
    "bad.arc": ["truncated archive"],
    "example-bad-non-chunked.warc.gz": [1270],
    "example-digest.warc": [],
    "example-iana.org-chunked.warc": [7223],
    "example-resource.warc.gz": [1303],
    "example-space-in-target-uri.warc.gz": ["not html"],
    "example-space-in-url.arc": [1271, "truncated archive"],
    "example-trunc.warc": [1270, "truncated archive"],
    "example-wget-bad-target-uri.warc.gz": [1270, "not html", "not html"],
    "example-wrong-chunks.warc.gz": [1270],
    "example.arc": [1270],
    "example.arc.gz": [1270],
    "example.warc": [1270],
    "example.warc.gz": [1270],
    "post-test.warc.gz": ["not html"] * 3,
}


@pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is not on this machine")
@pytest.mark.parametrize("name", EXPECTED)
def test_real_archives(name: str):
    found = all_pages(SHARED / name)
    assert [page.reason or len(page.html) for page in found] == EXPECTED[name]
    assert not any("<" in page.url for page in found)


def test_markdown_gives_the_segments_of_its_html(tmp_path: Path):
    markdown = "---\ntitle: No header\n---\n# Title\n\nSome *text*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n## Part\n\n- one\n- two\n"
    table = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    html = f"<h1>Title</h1><p>Some <em>text</em>.</p>{table}<h2>Part</h2><ul><li>one</li><li>two</li></ul>"
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.MD").write_text(markdown)
    found = [[(part.header, part.text) for part in sections(page.url, page.html)] for page in all_pages(tmp_path)]
    assert (
        found[0]
        == found[1]
        == [("Title", "Some text.\n\na | b\n1 | 2\n\nPart\n\n- one\n- two"), ("Part", "- one\n- two")]
    )


def test_markdown_is_headed_by_the_title_of_its_settings() -> None:
    text = "Some text.\n\n## What? {#what-it-is .new}\n\nMore.\n\n## {#if}\n"
    rest = "<p>Some text.</p>\n<h2>What?</h2>\n<p>More.</p>\n<h2>{#if}</h2>\n"
    for settings in ('---\ndate: 1\ntitle: "A & B"\n---\n', "+++\r\ntitle = 'A & B'\r\n+++\r\n"):
        assert markdown.as_html((settings + text).encode()).decode() == "<h1>A &amp; B</h1>\n" + rest
    assert markdown.as_html(b"---\ntitle: A\n---\n# B\n") == b"<h1>B</h1>\n"
    for none in (">-", "|", "''", ""):
        assert markdown.as_html(f"---\ntitle: {none}\n---\nB\n".encode()) == b"<p>B</p>\n"
    assert markdown.as_html(text.encode()).decode() == rest


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_markdown_is_read_by_the_rule_for_pages(encoding: str) -> None:
    html = markdown.as_html("# It’s naïve\n\nThe café’s text.\n".encode(encoding))
    assert html.decode() == "<h1>It’s naïve</h1>\n<p>The café’s text.</p>\n"
