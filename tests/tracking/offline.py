"""Offline W&B runs read back with W&B's own tool."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Recorded:
    """One offline run: what `wandb sync` would send."""

    text: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        rows = map(json.loads, self.text.splitlines())
        return [row[kind] for row in rows if row["type"] == kind]

    @property
    def run(self) -> dict[str, Any]:
        return self.of("run")[0]

    @property
    def config(self) -> dict[str, Any]:
        return self.run["config"]["update"]

    @property
    def history(self) -> list[dict[str, Any]]:
        return [row["item"] for row in self.of("history")]

    @property
    def summary(self) -> dict[str, Any]:
        return {key: value for row in self.of("summary") for key, value in row["update"].items()}


def recorded(root: Path) -> list[Recorded]:
    """Every offline run below an output root, oldest first."""
    tool = str(Path(sys.executable).with_name("wandb"))
    found = []
    for log in sorted(root.glob("wandb/offline-run-*/*.wandb")):
        command = [tool, "leet", "inspect", "--json", str(log)]
        found.append(Recorded(subprocess.run(command, capture_output=True, text=True).stdout))
    return found
