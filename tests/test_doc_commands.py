"""Every command in the docs' blocks is one that its script takes: its keys are there, its values have the keys' types.

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
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser

from humpback_exp import config
from hydra_plugins.list_sweeper import as_list
from hydra_plugins.point_sweeper import BasicSweeper
from tests.conftest import ROOT

SCHEMAS = {
    "annotate": config.AnnotateConfig, "augment": config.AugmentConfig, "curate": config.CurateConfig,
    "doctor": config.PlanConfig, "evaluate": config.EvaluateConfig, "gate": config.GateConfig,
    "pipeline": config.PipelineConfig, "plan": config.PlanConfig, "report": config.ReportConfig,
    "rewrite": config.RewriteConfig, "segment": config.SegmentConfig, "train": config.PointConfig,
}  # fmt: skip
PAGES = [ROOT / "README.md", ROOT / "sweeps/README.md", *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(rf"\b(?:{'|'.join(SCHEMAS)})\.py\b")
STAND_INS = r"""
for name in python python3 srun torchrun; do eval "$name() { printf '%s\x1f' \"\$@\" >&3; printf '\n' >&3; }"; done
"""
for schema, cls in SCHEMAS.items():
    ConfigStore.instance().store(f"{schema}_schema", config.swept(cls))
FLAGS = argparse.ArgumentParser()
FLAGS.add_argument("-m", action="store_true", dest="sweep")
FLAGS.add_argument("-cd", default="conf")
FLAGS.add_argument("-cn")
FLAGS.add_argument("overrides", nargs="*")


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "reproduce.md"], ids=lambda page: page.stem)
def test_commands_of_a_page(page: Path, tmp_path: Path) -> None:
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind in ("", "sh"):
            found = commands(block := typed(text), tmp_path)
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
    name, asked = script.removesuffix(".py"), FLAGS.parse_intermixed_args(words)
    found = OverridesParser.create().parse_overrides(asked.overrides)
    if asked.sweep:
        (points,) = BasicSweeper.split_arguments(found, None)
    else:
        points = [[as_list(each) for each in found] if name in ("annotate", "report") else asked.overrides]
    with initialize_config_dir(str(ROOT / asked.cd), version_base="1.3"):
        primary = asked.cn or ("plan" if name == "doctor" else name)
        for point in points:
            config.load(compose(primary, [f"hydra.searchpath=[file://{ROOT}/conf]", *point]), SCHEMAS[name])
