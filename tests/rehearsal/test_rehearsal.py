"""docs/reproduce.md works: all its commands run at toy size, one of them killed on the way, and end in M2 and its page."""

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, run
from tests.rehearsal.walk import at_toy_size, lines, walk

FOLDERS = {
    "segments/web", "models/backward", "models/m0", "candidates/web", "scored/m0", "curated/m0-a4.5", "models/m1",
    "scored/m1", "curated/m1-a4.5", "models/m2", "evals/m0", "evals/m2",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_page_leads_from_nothing_to_m2(tmp_path: Path) -> None:
    made = run("-m", "humpback_exp.modeling.demo_models", "rehearsal", ROOT / "models/rehearsal")
    assert made.returncode == 0, made.stderr
    walk(tmp_path / "page")
    root = tmp_path / "page/outputs/llama65b"
    finished = {str(path.parent.relative_to(root)) for path in root.rglob("manifest.json")}
    assert FOLDERS <= finished
    assert (root / "report.html").exists()
    m1, m2 = (json.loads((root / f"models/{name}/manifest.json").read_text()) for name in ("m1", "m2"))
    assert (m1["rows"]["seed"], m2["rows"]["seed"]) == (120, 120)
    assert m1["rows"]["web"] > 0 and m2["rows"]["web"] > 0
    assert m1["inputs"]["data.scored"]["path"].endswith("scored/m0")
    assert m2["inputs"]["data.scored"]["path"].endswith("scored/m1")


def test_every_line_of_the_page_is_walked_at_toy_size() -> None:
    commands = [line for line in lines() if "=" not in line.split()[0] and not line.startswith("mkdir")]
    assert len(commands) == 13
    for line in commands:
        assert ("+rehearsal=" in at_toy_size(line)) == ("report.py" not in line), line
