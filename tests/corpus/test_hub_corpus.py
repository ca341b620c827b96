"""Pages of a dataset on the Hub: held to the commit that their revision stood for when the run began."""

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors

from humpback_exp import artifacts
from humpback_exp.config import identity
from humpback_exp.config.corpus import StreamConfig
from humpback_exp.data.pinning import pinned
from tests.conftest import one_line_error, run
from tests.corpus.test_inputs import config

OLD, NEW = "0" * 39 + "1", "f" * 40


@pytest.fixture
def branches(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, str]:
    """Revision -> the commit that it stands for."""
    found: dict[str | None, str] = {None: OLD, "v2": NEW}

    def told(self: object, path: str, revision: str | None = None) -> SimpleNamespace:
        if revision not in found:
            error = errors.RevisionNotFoundError.__new__(errors.RevisionNotFoundError)
            error.args = ("404",)
            raise error
        return SimpleNamespace(sha=found[revision])

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", told)
    return found


def test_the_commit_is_part_of_what_a_run_is(branches: dict[str | None, str], tmp_path: Path):
    wanted = config(tmp_path, "owner/pages")
    run = pinned(wanted)
    assert run.corpus.dataset == StreamConfig(revision=OLD)
    assert identity(run)["corpus.dataset.revision"] == OLD
    assert pinned(config(tmp_path, "owner/pages", dataset=StreamConfig(revision="v2"))).corpus.dataset.revision == NEW
    artifact = artifacts.begin(run)
    (artifact.folder / "data").mkdir()
    (artifact.folder / "data/00000.parquet").touch()
    branches[None] = NEW
    with pytest.raises(ValueError, match=f"corpus.dataset.revision={OLD} there, {NEW} here"):
        artifacts.begin(pinned(wanted))
    named = config(tmp_path, "owner/pages", dataset=StreamConfig(revision=OLD))
    assert pinned(named) == run


def test_what_was_begun_without_a_commit_stays_what_it_is(branches: dict[str | None, str], tmp_path: Path):
    wanted = config(tmp_path, "owner/pages")
    artifacts.begin(wanted)
    assert pinned(wanted) == wanted


def test_a_folder_asks_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner/pages").mkdir(parents=True)
    wanted = config(tmp_path, "owner/pages")
    assert pinned(wanted) == wanted


def test_no_such_revision(branches: dict[str | None, str], tmp_path: Path):
    with pytest.raises(ValueError) as error:
        pinned(config(tmp_path, "owner/pages", dataset=StreamConfig(revision="v3")))
    assert str(error.value) == "corpus.dataset.revision=v3: owner/pages has no such branch, tag or commit"


def test_without_a_network_one_line_says_so(tmp_path: Path):
    said = one_line_error(run("segment.py", "corpus.path=owner/pages", f"output_root={tmp_path}", "tracking=none"))
    start = "corpus.path=owner/pages: no such file or folder here, and of a dataset on the Hub no commit is to be had ("
    assert said.startswith(start)
    assert said.endswith("); give a folder of pages, or corpus.dataset.revision=COMMIT")
