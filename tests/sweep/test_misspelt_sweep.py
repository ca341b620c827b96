"""A sweep that is not there is answered with those that are."""

import sys
from pathlib import Path

import pytest
from hydra.errors import MissingConfigException

from humpback_exp.errors import format_error

SAID = "Cannot find primary config 'thresholds'. Check that it's in your config search path."


@pytest.mark.parametrize("flag", [["-cd", "{}"], ["--config-dir", "{}"], ["--config-dir={}"]])
def test_the_names_of_the_folder_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: list[str]):
    for name in ("threshold.yaml", "size.yaml", "README.md"):
        (tmp_path / name).touch()
    words = [word.format(tmp_path) for word in flag]
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", *words, "-cn", "thresholds"])
    assert format_error(MissingConfigException(missing_cfg_file="thresholds", message=SAID)) == (
        f"{SAID} It holds size, threshold"
    )


def test_without_a_folder_those_of_the_project_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "-cn", "thresholds"])
    told = format_error(MissingConfigException(missing_cfg_file="thresholds", message=SAID))
    assert told.startswith(f"{SAID} It holds annotate, ")
    assert "train" in told
