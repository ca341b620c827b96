"""A corpus at an `https://` address: servers that fail for a while or for good, files that move or change, what identifies them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import addresses
from humpback_exp.config import CorpusConfig, SegmentConfig
from humpback_exp.corpus import chunks, files, kinds, listing
from humpback_exp.corpus.pages import Page, Unit, read, units, units_of
from humpback_exp.execution.launch import launch
from humpback_exp.records import Segment
from humpback_exp.records import read as read_rows
from tests.conftest import one_line_error, run
from tests.corpus.flaky_server import FlakyServer, flaky_server
from tests.corpus.test_inputs import config
from tests.corpus.test_pages import HTML, http, warc
from tests.stages.test_segment import prose

URLS = ["http://w/1", "http://w/2"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    monkeypatch.setattr(addresses, "WAITS", (0.0, 0.0))
    with flaky_server() as server:
        server.files["a.warc.gz"] = warc(*((url, http()) for url in URLS), zipped=True)
        yield server


def pages(address: str) -> list[Page]:
    return [page for unit in units(address, 2) for page in read(unit)]


def urls(address: str) -> list[str]:
    return [page.url for page in pages(address)]


@pytest.mark.parametrize("answer", [503, 429, 500, "cut"])
def test_an_answer_that_fails_is_asked_for_again(server: FlakyServer, answer: int | str):
    assert urls(f"{server.address}/a.warc.gz") == URLS
    questions = len(server.asked)
    for before in range(questions):
        server.answers["a.warc.gz"] = [200] * before + [answer, answer]
        assert urls(f"{server.address}/a.warc.gz") == URLS


def test_a_server_that_fails_for_good_is_one_line(server: FlakyServer):
    server.answers["a.warc.gz"] = [503] * 99
    with pytest.raises(ValueError) as error:
        urls(f"{server.address}/a.warc.gz")
    assert str(error.value) == (
        f"corpus.path={server.address}/a.warc.gz: cannot be read (ClientResponseError: 503, message='Service Unavailable', "
        f"url='{server.address}/a.warc.gz'); repeat the command when its server is well, or fetch it first"
    )
    server.answers.clear()
    server.moved["round.warc.gz"] = f"{server.address}/round.warc.gz"
    with pytest.raises(ValueError, match="round.warc.gz: cannot be read .TooManyRedirects"):
        urls(f"{server.address}/round.warc.gz")


def test_an_archive_that_ends_in_the_middle_is_used_as_far_as_it_goes(server: FlakyServer):
    server.files["a.warc.gz"] = server.files["a.warc.gz"][:-40]
    found = pages(f"{server.address}/a.warc.gz")
    assert [(page.url, page.reason) for page in found] == [
        ("http://w/1", ""), ("http://w/2", ""), ("a.warc.gz", "truncated archive"),
    ]  # fmt: skip


def test_a_file_that_has_moved_is_read_where_it_is(server: FlakyServer):
    server.moved["old.warc.gz"] = f"{server.address}/a.warc.gz"
    assert urls(f"{server.address}/old.warc.gz") == URLS


def test_what_an_address_asks_is_no_part_of_its_kind(server: FlakyServer, tmp_path: Path):
    """Signed addresses of clouds, with slashes in what they ask; a file of this machine may have such signs in its name."""
    asked = "?X-Credential=key/20261130/s3&X-Expires=900"
    rows = [{"url": "http://r/", "html": "<p>row"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    contents = {
        "crawl/a.warc.gz": warc(("http://w/", http()), zipped=True),
        "crawl/rows.parquet": (tmp_path / "rows.parquet").read_bytes(),
        "crawl/rows.jsonl.gz": gzip.compress(json.dumps(rows[0]).encode()),
    }
    wanted = ["http://w/", "http://r/", "http://r/"]
    for (name, content), url in zip(contents.items(), wanted, strict=True):
        server.files[name + asked] = content
        assert urls(f"{server.address}/{name}{asked}") == [url]
    assert kinds.kind_of(files.File("https://here", "style.css?v=3")) == ".css"
    (tmp_path / "Why?.html").write_bytes(HTML)
    (tmp_path / "What is SSH?.md").write_text("# What is SSH?\n\nA shell.")
    assert sorted(urls(str(tmp_path))) == ["What is SSH?.md", "Why?.html", "http://r/"]


def test_a_server_without_ranges_gives_small_files_and_says_so_of_large_ones(server: FlakyServer):
    server.ranges = False
    assert urls(f"{server.address}/a.warc.gz") == URLS
    server.files["b.warc"] = warc(*((f"http://w/{n}", http(HTML + b" " * (1 << 20))) for n in range(9)))
    with pytest.raises(
        ValueError, match="b.warc: cannot be read .*doesn't appear to support range requests.*or fetch it"
    ):
        urls(f"{server.address}/b.warc")


def test_members_of_a_list_that_are_missing_are_counted_and_those_that_fail_end_it(server: FlakyServer):
    server.files["warc.paths"] = (
        b"# a list\r\n\r\na.warc.gz\r\n/gone.warc.gz\n" + f"{server.address}/a.warc.gz".encode()
    )
    wanted = config(Path("unused"), f"{server.address}/warc.paths", base=f"{server.address}/").corpus
    found = [page for unit in units_listed(wanted) for page in read(unit)]
    assert [(page.url, page.reason) for page in found] == [
        ("http://w/1", ""), ("http://w/2", ""), ("gone.warc.gz", "unreadable"), ("http://w/1", ""), ("http://w/2", ""),
    ]  # fmt: skip
    server.answers["gone.warc.gz"] = [503] * 99
    with pytest.raises(ValueError, match="gone.warc.gz: cannot be read"):
        units_listed(wanted)


def units_listed(wanted: CorpusConfig) -> list[Unit]:
    return list(units_of(listing.files_of(wanted), wanted.path, 2))


def test_a_file_is_known_by_what_its_server_says(server: FlakyServer):
    address = f"{server.address}/a.warc.gz"
    before = artifacts.fingerprint(address)
    assert artifacts.fingerprint(address) == before
    changed = bytearray(server.files["a.warc.gz"])
    changed[4] = 1  # a time in gzip's header: as long as before, another ETag
    server.files["a.warc.gz"] = bytes(changed)
    assert artifacts.fingerprint(address) != before


def listed(server: FlakyServer, root: Path) -> SegmentConfig:
    """The segmentation of a list of two archives."""
    for name, number in (("a", 1), ("b", 2)):
        page = f"<h1>Page {number}</h1><p>{prose(number)}</p>".encode()
        server.files[f"{name}.warc.gz"] = warc((f"http://{name}/", http(page)), zipped=True)
    (root / "warc.paths").write_text("a.warc.gz\nb.warc.gz\n")
    return config(root, str(root / "warc.paths"), base=server.address)


def test_an_archive_that_changes_while_a_list_is_read_is_refused(
    server: FlakyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wanted, work = listed(server, tmp_path), chunks.work

    def changing(unit, *rest):
        made = work(unit, *rest)
        server.files["b.warc.gz"] = warc(("http://b/", http()), zipped=True)
        return made

    monkeypatch.setattr(chunks, "work", changing)
    with pytest.raises(
        ValueError, match=r"b.warc.gz: has changed since it was listed \(size \d+, ETag .* now, size .* then"
    ):
        launch(wanted)


def test_the_manifest_says_which_files_a_list_named(server: FlakyServer, tmp_path: Path):
    first = launch(listed(server, tmp_path))
    assert [row.url for row in read_rows(first, Segment)] == ["http://a/", "http://b/"]
    mark = artifacts.load(first).metrics["files_sha256"]
    second = config(tmp_path, str(tmp_path / "warc.paths"), name="again", base=server.address)
    assert artifacts.load(launch(second)).metrics["files_sha256"] == mark
    server.files["b.warc.gz"] = server.files["a.warc.gz"]
    third = config(tmp_path, str(tmp_path / "warc.paths"), name="other", base=server.address)
    assert artifacts.load(launch(third)).metrics["files_sha256"] != mark


def test_the_command_takes_an_address(server: FlakyServer, tmp_path: Path):
    page = f"<h1>Page 1</h1><p>{prose(1)}</p>".encode()
    server.files["b.warc.gz"] = warc(("http://b/", http(page)), zipped=True)
    options = (f"output_root={tmp_path}", "name=web", "tracking=none", "workers=1")
    result = run("segment.py", f"corpus.path={server.address}/b.warc.gz", *options)
    assert result.returncode == 0, result.stderr
    assert [row.text for row in read_rows(tmp_path / "segments/web", Segment)] == [prose(1)]
    said = one_line_error(run("segment.py", f"corpus.path={server.address}/none.warc.gz", *options[:1], "name=other"))
    assert said == f"corpus.path={server.address}/none.warc.gz: nothing there; name a file, or a folder with files"


def test_an_output_root_among_the_pages_is_refused(tmp_path: Path):
    (tmp_path / "a.html").write_bytes(HTML)
    said = one_line_error(run("segment.py", f"corpus.path={tmp_path}", f"output_root={tmp_path}/out", "tracking=none"))
    assert said == (
        f"output_root={tmp_path}/out: lies in corpus.path={tmp_path}, whose pages must stay what they are; choose another folder"
    )
