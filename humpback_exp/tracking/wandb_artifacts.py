"""What a folder was made from, as W&B artifacts: the edges of the graph from corpus to checkpoint."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import Manifest
from humpback_exp.artifacts.catalog import Input, at, inputs_of

RAW = "raw"
"""Type of the artifact that stands for an input no stage made: pages, seed pairs, a base model."""
ALIAS_LENGTH = 12
NAME_LENGTH = 128
"""W&B takes no longer name of an artifact (`NAME_MAXLEN` in wandb.sdk.artifacts)."""


@dataclass(frozen=True, slots=True)
class Source(Input):
    """One input of a folder, and the artifact that stands for it."""

    type: str
    """Kind of the finished folder that it is, or raw."""
    name: str
    """Of the artifact."""

    @property
    def version(self) -> str:
        """`name:alias` as W&B addresses it; the alias is the fingerprint's beginning."""
        return f"{self.name}:{alias(self.fingerprint)}"


def sources(manifest: Manifest) -> list[Source]:
    """Everything the folder was made from, in the order of its config."""
    return [_source(one) for one in inputs_of(manifest)]


def _source(one: Input) -> Source:
    made = at(one.path)
    kind, name = (made.kind, artifact_name(made.manifest)) if made else (RAW, allowed(f"{RAW}-{Path(one.path).name}"))
    return Source(one.key, one.path, one.fingerprint, kind, name)


def raw_artifact(source: Source) -> Any:
    """The artifact that stands for an input no stage made: its path and fingerprint, not the data."""
    import wandb

    made = wandb.Artifact(source.name, type=RAW)
    with made.new_file("input.json") as file:
        json.dump({"path": source.path, "fingerprint": source.fingerprint}, file)
    return made


def artifact_name(manifest: Manifest) -> str:
    return allowed(f"{manifest.kind}-{manifest.name}")


def alias(fingerprint: str) -> str:
    return fingerprint[:ALIAS_LENGTH]


def allowed(name: str) -> str:
    """A name in the characters and length W&B allows; the end of a longer one is replaced by a hash of the whole."""
    short = re.sub(r"[^\w.-]", "_", name)
    if len(short) <= NAME_LENGTH:
        return short
    mark = alias(hashlib.sha256(name.encode()).hexdigest())
    return f"{short[: NAME_LENGTH - len(mark) - 1]}-{mark}"
