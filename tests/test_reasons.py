"""Reasons for which rows are dropped stand in one place."""

import ast
from pathlib import Path

from humpback_exp import reasons

WRITTEN = {value for name, value in vars(reasons).items() if name.isupper()}


def test_no_other_module_spells_a_reason_of_several_words() -> None:
    several = {reason for reason in WRITTEN if " " in reason.strip()}
    assert len(several) > 10
    for path in Path("humpback_exp").rglob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert path.name == "reasons.py" or several.isdisjoint(texts), path


def test_pages_and_kept_drafts_are_no_dropped_rows() -> None:
    drops = {"page: not html": 3, "too short": 2, "draft kept: empty": 1}
    assert reasons.of_rows(drops) == {"too short": 2}
