"""Linking after the sync: which edges, from the folders; how they are drawn, by the real client at a stand-in of the server."""

import subprocess
import sys
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import TrackingConfig
from humpback_exp.tracking import link as linking
from humpback_exp.tracking.lineage import nodes
from humpback_exp.tracking.names import run_id
from tests.conftest import ROOT, one_line_error, run
from tests.tracking.folders import SESSION, chain, finish
from tests.tracking.server import Server

SCRIPT = "sweeps/link_inputs.py"
KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _, select = chain(tmp_path / "outputs")
    finish(select)
    return tmp_path / "outputs"


@pytest.fixture
def client(server: Server, tmp_path: Path) -> dict[str, str]:
    """Environment in which the client speaks to the stand-in."""
    return {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


def edges(root: Path) -> dict[tuple[str, str], int]:
    """Every edge of the graph, once."""
    return {(node.run, source.version): 1 for node in nodes(root) for source in node.sources}


def test_the_graph_is_read_from_the_finished_folders(root: Path) -> None:
    scored, curated = nodes(root)
    assert [node.folder for node in (curated, scored)] == [root / "curated/m0-a4.5", root / "scored/m0"]
    assert [source.name for source in scored.sources] == ["raw-model", "raw-pages.jsonl"]
    assert [source.name for source in curated.sources] == ["scored-m0"]
    assert (curated.project, curated.entity) == ("humpback", None)
    for node, config in zip((scored, curated), chain(root), strict=True):
        made = artifacts.begin(config, write=False)
        assert node.run == run_id(made.folder, made.manifest.fingerprint)


def test_offline_runs_are_synced_and_then_linked_once(root: Path, server: Server, client: dict[str, str]) -> None:
    scored, curated = nodes(root)
    offline = run("-c", SESSION, scored.folder, curated.folder, **client)
    assert (offline.returncode, server.runs) == (0, {}), offline.stderr
    tool = str(Path(sys.executable).with_name("wandb"))
    subprocess.run([tool, "sync", str(root / "wandb")], env=client, check=True, capture_output=True)
    assert server.edges == {}
    for said in ("3 inputs linked, 0 were linked already, 0 wait", "0 inputs linked, 3 were linked already, 0 wait"):
        result = run(SCRIPT, f"output_root={root}", **client)
        assert (result.returncode, result.stdout) == (0, f"{said} for a sync\n"), result.stderr
        assert server.edges == edges(root)
    assert server.runs.keys() == {scored.run, curated.run, "inputs"}
    raw = {"raw": ("inputs", scored.sources)}
    made = {"scored": (scored.run, curated.sources)}
    logged = {(a["artifactTypeName"], a["runName"], *server.versions(a)) for a in server.artifacts}
    expected = {(kind, by, source.version) for kind, (by, some) in (raw | made).items() for source in some}
    assert expected < logged and len(server.artifacts) == 4
    assert server.runs["inputs"]["jobType"] == "raw"


def test_what_is_not_synced_yet_waits(root: Path, server: Server, client: dict[str, str]) -> None:
    """Neither the run of the scored folder nor its artifact, which the other's run needs."""
    scored, curated = nodes(root)
    server.runs[curated.run] = {}
    result = run(SCRIPT, f"output_root={root}", **client)
    assert result.stdout == "0 inputs linked, 0 were linked already, 3 wait for a sync\n", result.stderr
    assert f"{scored.folder}: its run is not in W&B yet; sync it, then link again" in result.stderr
    assert f"{curated.folder}: scored={scored.folder} is not in W&B yet; sync it, then link again" in result.stderr
    assert server.edges == {}


def test_another_error_is_not_taken_for_a_run_that_is_not_synced(
    root: Path, server: Server, client: dict[str, str]
) -> None:
    server.refused = {"Run"}
    result = run(SCRIPT, f"output_root={root}", **client)
    said = one_line_error(result)
    assert "refused" in said and said.endswith("check the network, then run the same command again"), said
    assert "not in W&B yet" not in result.stderr


def test_an_online_run_draws_its_own_edges(root: Path, server: Server, client: dict[str, str]) -> None:
    online(root)
    scored, curated = nodes(root)
    result = run("-c", SESSION, scored.folder, curated.folder, **client)
    assert result.returncode == 0, result.stderr
    assert server.edges == edges(root)
    assert "no edge" not in result.stderr
    held = [path for path in root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in held)
    assert not [path for path in held if KEY.encode() in path.read_bytes()]
    assert run(SCRIPT, f"output_root={root}", **client).stdout.startswith("0 inputs linked, 3 were linked already, 0")


def test_an_online_run_goes_on_without_an_edge(root: Path, server: Server, client: dict[str, str]) -> None:
    """Its input is not uploaded yet; then it is, but the server refuses."""
    online(root)
    scored, curated = nodes(root)
    early = run("-c", SESSION, curated.folder, **client)
    server.refused = {"UseArtifact"}
    late = run("-c", SESSION, scored.folder, curated.folder, **client)
    for session in (early, late):
        assert session.returncode == 0, session.stderr
        assert f"W&B: no edge from {scored.folder} is drawn (" in session.stderr, session.stderr
    assert server.edges == {}


def online(root: Path) -> None:
    """Say in the frozen configs that the folders were tracked online."""
    for path in root.glob("*/*/config.yaml"):
        path.write_text(path.read_text().replace("mode: offline", "mode: online"))


def test_an_input_that_is_gone_is_not_taken_for_a_raw_one(root: Path) -> None:
    (root.parent / "pages.jsonl").unlink()
    scored, _ = nodes(root)
    assert [source.name for source in scored.sources] == ["raw-model"]


def test_an_input_that_was_not_tracked_does_not_wait_for_ever(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "outputs"
    chain(root, TrackingConfig(mode="none"))
    finish(chain(root)[1])
    (curated,) = nodes(root)
    assert (curated.folder, curated.sources) == (root / "curated/m0-a4.5", [])
    assert caplog.messages == [
        f"{curated.folder}: scored={root}/scored/m0 was made with tracking=none, so it is not linked"
    ]


def test_an_untracked_folder_is_left_out(tmp_path: Path) -> None:
    chain(tmp_path / "outputs", TrackingConfig(mode="none"))
    with pytest.raises(ValueError, match="holds no finished folder that was tracked; run a stage there first"):
        nodes(tmp_path / "outputs")


def test_a_server_that_does_not_answer_is_a_users_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    def refuse() -> None:
        raise wandb.errors.AuthenticationError("why")

    monkeypatch.setattr(wandb, "Api", refuse)
    with pytest.raises(ValueError) as raised, linking.connected():
        pass
    assert str(raised.value) == ("W&B: no connection, or the key is refused; check WANDB_API_KEY and the network (why)")


def test_what_w_and_b_refuses_later_is_not_taken_for_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr(wandb, "Api", object)
    with pytest.raises(wandb.errors.UsageError, match="Invalid project name"), linking.connected():
        raise wandb.errors.UsageError("Invalid project name")


def test_without_a_key_one_line_says_so(root: Path, tmp_path: Path) -> None:
    result = run(SCRIPT, f"output_root={root}", PYTHONPATH=str(ROOT), HOME=str(tmp_path), WANDB_API_KEY="")
    assert one_line_error(result) == (
        "W&B: no key; set WANDB_API_KEY or run `wandb login`, then run the same command again"
    )
