"""What a folder was made from, as W&B artifacts: the edges of the graph from corpus to checkpoint."""

import hashlib
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from humpback_exp.artifacts import Artifact, Manifest, load

RAW = "raw"
"""Type of the artifact that stands for an input no stage made: pages, seed pairs, a base model."""
ALIAS_LENGTH = 12
NAME_LENGTH = 128
"""W&B takes no longer name of an artifact (`NAME_MAXLEN` in wandb.sdk.artifacts)."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input of a folder, and the artifact that stands for it."""

    key: str
    """Config key it was given by."""
    path: str
    fingerprint: str
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
    return [source(key, one["path"], one["fingerprint"]) for key, one in manifest.inputs.items()]


def source(key: str, path: str, fingerprint: str) -> Source:
    made = finished(path)
    kind, name = (made.kind, artifact_name(made)) if made else (RAW, allowed(f"{RAW}-{Path(path).name}"))
    return Source(key, path, fingerprint, kind, name)


def finished(path: str) -> Manifest | None:
    folder = Path(path)
    return load(folder) if (folder / "manifest.json").exists() else None


def ancestors(manifest: Manifest) -> dict[str, Artifact]:
    """Kind -> the nearest folder of that kind this one was made from; one made anew since then is left out."""
    found: dict[str, Artifact] = {}
    queue = deque([manifest])
    while queue:
        for one in queue.popleft().inputs.values():
            made = finished(one["path"])
            if made is not None and made.fingerprint == one["fingerprint"]:
                found.setdefault(made.kind, Artifact(Path(one["path"]), made, finished=True))
                queue.append(made)
    return found


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
