"""Which code made a folder."""

import subprocess
from pathlib import Path

import pytest

from humpback_exp.artifacts.versions import ROOT, git_commit


def repository(folder: Path) -> str:
    """A repository with a commit, and its hash."""
    folder.mkdir()
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", folder.name]):
        subprocess.run(["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *command], check=True)
    return subprocess.check_output(["git", "-C", str(folder), "rev-parse", "HEAD"], text=True).strip()


def test_the_commit_is_the_projects_wherever_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, other = repository(tmp_path / "project"), repository(tmp_path / "thesis")
    monkeypatch.chdir(tmp_path / "thesis")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "thesis" / ".git"))
    assert git_commit(tmp_path / "project") == here != other
    (tmp_path / "project" / "new").write_text("")
    subprocess.run(["git", "-C", str(tmp_path / "project"), "add", "new"], check=True, env={})
    assert git_commit(tmp_path / "project") == f"{here}+"


def test_packages_inside_another_repository_have_no_commit(tmp_path: Path) -> None:
    repository(tmp_path / "thesis")
    (tmp_path / "thesis" / "site-packages").mkdir()
    assert git_commit(tmp_path / "thesis" / "site-packages") == ""


def test_the_root_is_the_projects() -> None:
    assert (ROOT / "humpback_exp" / "artifacts" / "versions.py").exists()
