"""The docs agree with the code: every file has its line in the architecture, every file that docs name is there."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "sweeps/README.md"])
NAMED = re.compile(r"`((?:humpback_exp|tests|benchmarks|docs|conf|sweeps|examples)/[\w./-]+)`")


def test_the_architecture_lists_every_file() -> None:
    script = runpy.run_path(str(ROOT / "docs/architecture/list_files.py"))
    assert script["PAGE"].read_text(encoding="utf-8").endswith(script["MARK"] + script["listed"]())


def test_the_picture_is_what_its_script_draws(tmp_path: Path) -> None:
    for name in ("draw_loop.py", "loop.svg"):
        (tmp_path / name).write_bytes((ROOT / "docs/architecture" / name).read_bytes())
    subprocess.run([sys.executable, str(tmp_path / "draw_loop.py")], check=True)
    assert (tmp_path / "loop.svg").read_text() == (ROOT / "docs/architecture/loop.svg").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:)[^)#]+)\)", page.read_text(encoding="utf-8"))
    assert not {link for link in links if not (page.parent / link).exists()}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_docs_name_are_there(page: Path) -> None:
    named = set(NAMED.findall(page.read_text(encoding="utf-8")))
    missing = {name for name in named if not (ROOT / name).exists() and "NAME" not in name}
    assert page.name == "CHANGELOG.md" or not missing
