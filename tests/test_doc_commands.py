"""Every command in the docs' blocks and the Makefile is one that its script takes: keys are there, values have their types.

A shell that finds no program but these stand-ins reads the blocks, so variables, loops and quotes mean to it what they mean to
a reader. docs/reproduce.md is walked as a whole (tests/rehearsal).
"""

import argparse
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from humpback_exp import config
from hydra_plugins.list_sweeper import as_list
from tests.composing import SCHEMAS, composed, points
from tests.conftest import ROOT

DOCTOR = {"doctor": "plan"}  # it reads the same config
PAGES = [ROOT / "README.md", ROOT / "sweeps/README.md", *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(rf"\b(?:{'|'.join([*SCHEMAS, *DOCTOR])})\.py\b")
STAND_INS = r"""
for name in python python3 srun torchrun; do eval "$name() { printf '%s\x1f' \"\$@\" >&3; printf '\n' >&3; }"; done
"""
FLAGS = argparse.ArgumentParser()
FLAGS.add_argument("-m", action="store_true", dest="sweep")
FLAGS.add_argument("-cd", default="conf")
FLAGS.add_argument("-cn")
FLAGS.add_argument("overrides", nargs="*")


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "reproduce.md"], ids=lambda page: page.stem)
def test_commands_of_a_page(page: Path, tmp_path: Path) -> None:
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind in ("", "sh"):
            compose_block(typed(text), tmp_path)


def test_commands_of_the_makefile(tmp_path: Path) -> None:
    """Of the study, hours into which a wrong key would be found."""
    asked = ["make", "-n", "-o", "setup", "-o", "pages", "demo", "beyond", "study-more"]
    text = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert SCRIPT.search(text)
    compose_block(typed(text), tmp_path)


def compose_block(block: str, folder: Path) -> None:
    found = commands(block, folder)
    assert Counter(words[0] for words in found) >= Counter(SCRIPT.findall(block)), block
    for words in found:
        compose_all(*words)


def typed(block: str) -> str:
    """A block's lines as they are typed: without what a line says behind two spaces, a continued line as one."""
    lines = re.sub(r" *\\\n *", " ", block).splitlines()
    return "\n".join(re.split(r"(?<=\S) {2,}", line)[0] for line in lines).replace(".venv/bin/python", "python")


def commands(block: str, folder: Path) -> list[list[str]]:
    """The words of each command of a block, from its script's name on; the block runs in an otherwise empty folder."""
    script = f"exec 3>said\n{STAND_INS}{block}"
    subprocess.run([str(shutil.which("bash")), "-c", script], cwd=folder, env={"PATH": ""}, capture_output=True)
    said = [line.split("\x1f")[:-1] for line in (folder / "said").read_text().splitlines()]
    return [words[words.index(script) :] for words in said for script in filter(SCRIPT.fullmatch, words)]


def compose_all(script: str, *words: str) -> None:
    """Compose the config of a command, of a sweep each point's."""
    asked = FLAGS.parse_intermixed_args(words)
    name = DOCTOR.get(script.removesuffix(".py"), script.removesuffix(".py"))
    primary = asked.cn or name
    if asked.sweep:
        found = points(asked.cd, primary, asked.overrides)
    else:
        lists = name in ("annotate", "report")
        parsed = OverridesParser.create().parse_overrides(asked.overrides)
        found = [composed(asked.cd, primary, [as_list(each) for each in parsed] if lists else asked.overrides)]
    for each in found:
        config.load(each, SCHEMAS[name])
