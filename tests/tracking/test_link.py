"""Linking after the sync: which edges, from the folders; how they are drawn, against a stand-in of W&B's public API."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import TrackingConfig
from humpback_exp.tracking import link as linking
from humpback_exp.tracking.link import Linked, link, nodes
from humpback_exp.tracking.names import run_id
from tests.conftest import ROOT, one_line_error, run
from tests.tracking.folders import chain, finish

SCRIPT = "sweeps/link_inputs.py"


@dataclass
class StandInArtifact:
    id: str


@dataclass
class StandInRun:
    used: list[StandInArtifact] = field(default_factory=list)

    def used_artifacts(self) -> list[StandInArtifact]:
        return list(self.used)

    def use_artifact(self, artifact: StandInArtifact) -> None:
        self.used.append(artifact)


@dataclass
class StandIn:
    """The part of `wandb.Api` that linking uses; runs and artifacts by their address."""

    runs: dict[str, StandInRun]
    artifacts: set[str]
    default_entity: str = "me"

    def run(self, path: str) -> StandInRun:
        if path not in self.runs:
            raise ValueError(f"Could not find run {path}")  # RunNotFoundError is a ValueError
        return self.runs[path]

    def artifact_exists(self, name: str) -> bool:
        return name in self.artifacts

    def artifact(self, name: str) -> StandInArtifact:
        return StandInArtifact(name)

    def edges(self) -> dict[str, list[str]]:
        return {path: [artifact.id for artifact in run.used] for path, run in self.runs.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _, select = chain(tmp_path / "outputs")
    finish(select)
    return tmp_path / "outputs"


@pytest.fixture
def synced(root: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A server to which everything below the root has been synced."""
    graph = nodes(root)
    made = [artifacts.load(node.folder) for node in graph]
    outputs = {f"me/humpback/{m.kind}-{m.name}:{m.fingerprint[:12]}" for m in made}
    api = StandIn({f"me/humpback/{node.run}": StandInRun() for node in graph}, outputs)

    def publish(entity: str, project: str, missing: object) -> None:
        api.artifacts |= {f"{entity}/{project}/{source.version}" for source in missing}  # type: ignore[attr-defined]

    monkeypatch.setattr(linking, "publish", publish)
    return api


def test_the_graph_is_read_from_the_finished_folders(root: Path) -> None:
    curated, scored = nodes(root)
    assert [node.folder for node in (curated, scored)] == [root / "curated/m0-a4.5", root / "scored/m0"]
    assert [source.name for source in scored.sources] == ["raw-model", "raw-pages.jsonl"]
    assert [source.name for source in curated.sources] == ["scored-m0"]
    assert (curated.project, curated.entity) == ("humpback", None)
    for node, config in zip((scored, curated), chain(root), strict=True):
        assert node.run == run_id(artifacts.begin(config, write=False))


def test_every_input_is_linked_once(root: Path, synced: StandIn) -> None:
    curated, scored = nodes(root)
    assert link([curated, scored], synced) == Linked(added=3)
    versions = {node.run: [f"me/humpback/{source.version}" for source in node.sources] for node in (curated, scored)}
    expected = {f"me/humpback/{run}": edges for run, edges in versions.items()}
    assert synced.edges() == expected
    assert link([curated, scored], synced) == Linked(there=3)
    assert synced.edges() == expected


def test_what_is_not_synced_yet_waits_and_is_linked_later(root: Path, synced: StandIn) -> None:
    curated, scored = nodes(root)
    run = synced.runs.pop(f"me/humpback/{scored.run}")
    output = f"me/humpback/{curated.sources[0].version}"
    synced.artifacts.remove(output)
    assert link(nodes(root), synced) == Linked(waiting=3)
    synced.runs[f"me/humpback/{scored.run}"] = run
    synced.artifacts.add(output)
    assert link(nodes(root), synced) == Linked(added=3)


def test_an_input_that_is_gone_is_not_taken_for_a_raw_one(root: Path) -> None:
    (root.parent / "pages.jsonl").unlink()
    _, scored = nodes(root)
    assert [source.name for source in scored.sources] == ["raw-model"]


def test_an_untracked_folder_is_left_out(tmp_path: Path) -> None:
    chain(tmp_path / "outputs", TrackingConfig(mode="none"))
    with pytest.raises(ValueError, match="holds no finished folder that was tracked; run a stage there first"):
        nodes(tmp_path / "outputs")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("AuthenticationError", "W&B: no connection, or the key is refused; check WANDB_API_KEY and the network (why)"),
        ("CommError", "W&B: why; check the network, then run the same command again"),
    ],
)
def test_a_server_that_does_not_answer_is_a_users_error(error: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    def refuse() -> None:
        raise getattr(wandb.errors, error)("why")

    monkeypatch.setattr(wandb, "Api", refuse)
    with pytest.raises(ValueError) as raised, linking.connected():
        pass
    assert str(raised.value) == said


def test_without_a_key_one_line_says_so(root: Path, tmp_path: Path) -> None:
    result = run(SCRIPT, f"output_root={root}", PYTHONPATH=str(ROOT), HOME=str(tmp_path), WANDB_API_KEY="")
    assert one_line_error(result) == (
        "W&B: no key; set WANDB_API_KEY or run `wandb login`, then run the same command again"
    )
