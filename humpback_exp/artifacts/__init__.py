"""Folders of results, and what they were made from."""

from humpback_exp.artifacts.folder import (
    CHECKPOINTS,
    OPENED_BY,
    Artifact,
    begin,
    finish,
    git_commit,
    locked,
    open_stage,
    refuse_other,
)
from humpback_exp.artifacts.hashing import digest, fingerprint
from humpback_exp.artifacts.manifest import Manifest, load, require_input, sha256, write_text

__all__ = [
    "CHECKPOINTS",
    "OPENED_BY",
    "Artifact",
    "Manifest",
    "begin",
    "digest",
    "fingerprint",
    "finish",
    "git_commit",
    "load",
    "locked",
    "open_stage",
    "refuse_other",
    "require_input",
    "sha256",
    "write_text",
]
