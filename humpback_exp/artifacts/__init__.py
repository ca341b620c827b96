"""Folders of results, and what they were made from; `artifacts.catalog` walks over the finished ones and compares them."""

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
from humpback_exp.artifacts.manifest import (
    KINDS,
    Manifest,
    is_begun,
    is_finished,
    load,
    require_input,
    sha256,
    write_text,
)

__all__ = [
    "CHECKPOINTS",
    "KINDS",
    "OPENED_BY",
    "Artifact",
    "Manifest",
    "begin",
    "digest",
    "fingerprint",
    "finish",
    "git_commit",
    "is_begun",
    "is_finished",
    "load",
    "locked",
    "open_stage",
    "refuse_other",
    "require_input",
    "sha256",
    "write_text",
]
