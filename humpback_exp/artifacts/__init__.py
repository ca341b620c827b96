"""Folders of results, and what they were made from; `artifacts.walk` finds the finished ones, `artifacts.catalog` compares them."""

from humpback_exp.artifacts.files import CHECKPOINTS, require_input, sha256, write_text
from humpback_exp.artifacts.folder import OPENED_BY, Artifact, begin, finish, open_stage, reopen
from humpback_exp.artifacts.hashing import digest, fingerprint, is_still
from humpback_exp.artifacts.lock import locked
from humpback_exp.artifacts.manifest import Manifest, is_begun, is_finished, load
from humpback_exp.artifacts.match import refuse_other
from humpback_exp.artifacts.measurements import is_done, measured
from humpback_exp.artifacts.versions import git_commit
