"""Which code makes a folder: versions of packages, and the commit of this project."""

import os
import subprocess
from importlib import metadata
from pathlib import Path

from humpback_exp import __version__

PACKAGES = ("torch", "transformers", "pytorch-lightning", "peft", "pyarrow", "wandb")
ROOT = Path(__file__).parents[2]
"""The project's working copy, or where packages are installed."""


def package_versions() -> dict[str, str]:
    """Versions by name; the project's own is in its code, which runs from a working copy that need not be installed."""
    return {"humpback-exp": __version__} | {name: metadata.version(name) for name in PACKAGES}


def git_commit(root: Path = ROOT) -> str:
    """The commit of the project, `+` when it has changes; empty where `root` is not the top of a repository.

    Neither the current directory nor Git's own variables, as a hook sets them, name another repository.
    """
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
