"""Folders with links that go round, special files and names of any bytes: what is read, and that the rest is said."""

import logging
import os
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.corpus.pages import read, units
from tests.corpus.test_pages import HTML


def test_links_and_special_files_are_counted_and_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "a.html").write_bytes(HTML)
    (tmp_path / "below").mkdir()
    (tmp_path / "below/round").symlink_to(tmp_path)
    (tmp_path / "itself.html").symlink_to("itself.html")
    (tmp_path / "copy.html").symlink_to("a.html")
    os.mkfifo(tmp_path / "pipe.html")
    with caplog.at_level(logging.INFO, "humpback_exp"):
        found = [page.url for unit in units(str(tmp_path), 9) for page in read(unit)]
    assert found == ["a.html", "copy.html"]
    said = f"{tmp_path}: 3 links to folders, links to nothing and special files not read"
    assert said in caplog.messages


def test_names_of_any_bytes_are_read_and_known(tmp_path: Path):
    names = [b"a\nb.html", b"\x1b[31mred.html", b"\xff\xfe.html", "naïve.html".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(HTML)
    found = [(page.url, page.reason) for unit in units(str(tmp_path), 9) for page in read(unit)]
    assert found == [("\x1b[31mred.html", ""), ("a\nb.html", ""), ("naïve.html", ""), ("\\udcff\\udcfe.html", "")]
    assert artifacts.fingerprint(str(tmp_path)) == artifacts.fingerprint(str(tmp_path))
