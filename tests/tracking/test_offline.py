"""What W&B would be sent of a sweep and an evaluation of one of its points, read back from the offline runs."""

import hashlib
import json
from pathlib import Path

import pytest

from humpback_exp import artifacts
from tests.conftest import run
from tests.tracking.folders import SESSION, chain, finish
from tests.tracking.offline import Recorded, recorded

KEYS = {"WANDB_API_KEY": "0123456789abcdef0123456789abcdef01234567", "OPENAI_API_KEY": "sk-abcdef0123456789"}
STRAYS = {
    "WANDB_RUN_ID": "stray", "WANDB_SWEEP_ID": "stray", "WANDB_RUN_GROUP": "stray", "WANDB_NAME": "stray",
    "WANDB_JOB_TYPE": "stray", "WANDB_TAGS": "stray", "WANDB_PROJECT": "stray", "WANDB_RESUME": "must",
}  # fmt: skip
POINTS = ["size-1-s0", "size-2-s0"]
SPEED = {"tokens_per_second", "labelled_tokens_per_second", "padding_share", "peak_memory_gib", "flop_utilisation"}


@pytest.fixture(scope="module")
def root(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output root of a sweep over two sizes, started where another W&B run has left its environment."""
    folder = tmp_path_factory.mktemp("tracked")
    sweep = [
        "train.py", "-m", "model=tiny", "data=curated", "data.size=1,2", "data.min_score=null", "tracking.group=data_size",
        "name=size-${data.size}-s${seed}",
        f"data.scored={smoke}/scored/m0", f"output_root={folder}", "optim.max_steps=3", "trainer.micro_batch=8",
        "trainer.precision=fp32", "tracking.tags=[pilot]",
    ]  # fmt: skip
    evaluation = [
        "evaluate.py", f"model_path={folder}/models/{POINTS[1]}", f"name={POINTS[1]}", f"output_root={folder}",
        "tracking.group=data_size", "engine.dtype=float32",
    ]  # fmt: skip
    for command in (sweep, evaluation):
        result = run(*command, **KEYS, **STRAYS)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def runs(root: Path) -> list[Recorded]:
    return recorded(root)


def test_every_point_is_a_run_of_its_own_in_the_sweeps_group(root: Path, runs: list[Recorded]) -> None:
    said = [(r.run["run_group"], r.run["job_type"], r.run["display_name"], r.run["project"]) for r in runs]
    stages = [("train", POINTS[0]), ("train", POINTS[1]), ("evaluate", POINTS[1])]
    assert said == [("data_size", stage, name, "humpback") for stage, name in stages]
    folders = [root / "models" / POINTS[0], root / "models" / POINTS[1], root / "evals" / POINTS[1]]
    places = [f"{artifacts.load(folder).fingerprint}:{folder}" for folder in folders]
    assert [r.run["run_id"] for r in runs] == [hashlib.sha256(place.encode()).hexdigest()[:32] for place in places]
    assert not any("stray" in json.dumps(r.run) for r in runs)


def test_tags_are_the_users_and_what_one_filters_by(runs: list[Recorded]) -> None:
    assert runs[0].run["tags"] == ["pilot", "seed-0", "tiny", "forward"]
    assert runs[2].run["tags"] == ["seed-0"]


def test_config_has_every_key_where_w_and_b_plots_it(root: Path, smoke: Path, runs: list[Recorded]) -> None:
    config, manifest = runs[1].config, artifacts.load(root / "models" / POINTS[1])
    assert (config["optim"]["lr"], config["data"]["size"], config["model"]["layers"]) == (1e-5, 2, 2)
    assert (config["fingerprint"], config["git_commit"][:40]) == (manifest.fingerprint, manifest.git_commit[:40])
    scored = manifest.inputs["data.scored"]
    assert config["inputs"]["data"]["scored"] == {"name": "scored-m0"} | scored
    assert config["inputs"]["model"]["path"] == {"name": "raw-tiny"} | manifest.inputs["model.path"]
    assert config["lineage"]["scored"]["scorer"] == "likelihood"
    assert config["lineage"]["segments"]["name"] == "web"
    assert config["lineage"]["models"]["name"] == "m0"


def test_an_evaluation_knows_what_its_model_was_trained_with(root: Path, runs: list[Recorded]) -> None:
    trained = runs[2].config["lineage"]["models"]
    assert (trained["data"]["size"], trained["seed"], trained["name"]) == (2, 0, POINTS[1])
    assert trained["rows"] == {"examples": 122, "seed": 120, "web": 2}
    assert trained["model"]["path"].endswith("models/tiny")


def test_every_step_is_plotted_against_its_own_axis(root: Path, runs: list[Recorded]) -> None:
    lines = (root / "models" / POINTS[0] / "history.csv").read_text().splitlines()[1:]
    steps = [item for item in runs[0].history if "loss" in item]
    assert [f"{item['step']},{item['loss']!r}" for item in steps] == [line.rsplit(",", 2)[0] for line in lines]
    assert all(SPEED <= item.keys() for item in steps)
    assert [(m.get("name"), m.get("glob_name"), m.get("step_metric")) for m in runs[0].of("metric")] == [
        ("step", None, None),
        (None, "*", "step"),
    ]
    assert [m.get("step_metric") for m in runs[2].of("metric")] == [None, "rows"]


def test_summaries_name_the_same_things_the_same(root: Path, runs: list[Recorded]) -> None:
    summary, manifest = runs[1].summary, artifacts.load(root / "models" / POINTS[1])
    counts = {"rows/in": 122, "rows/out": 122, "rows/examples": 122, "rows/seed": 120, "rows/web": 2}
    assert summary.items() >= (counts | manifest.metrics | {"seconds": manifest.wall_seconds}).items()
    measured = artifacts.load(root / "evals" / POINTS[1])
    assert runs[2].summary.items() >= (measured.metrics | {"rows/in": 40, "rows/out": 40}).items()
    assert "seconds" in runs[2].summary
    assert not {"rows", "step"} & (
        runs[1].summary.keys() | runs[2].summary.keys()
    )  # axes, which count nothing at the end


def test_every_folder_is_an_artifact_of_small_files_kept_with_the_runs(root: Path, runs: list[Recorded]) -> None:
    made = [[a for a in r.of("artifact") if a["type"] != "run_table"] for r in runs]
    assert [(a["name"], a["type"]) for (a,) in made] == [
        *((f"models-{name}", "models") for name in POINTS),
        (f"evals-{POINTS[1]}", "evals"),
    ]
    (artifact,) = made[0]
    fingerprint = artifacts.load(root / "models" / POINTS[0]).fingerprint
    assert set(artifact["aliases"]) == {"latest", fingerprint[:12]}
    files = {item["path"]: Path(item["local_path"]) for item in artifact["manifest"]["contents"]}
    assert set(files) == {"config.yaml", "manifest.json"}
    assert all(root in path.parents and path.exists() for path in files.values())


def test_no_key_is_written_anywhere(root: Path, runs: list[Recorded]) -> None:
    texts = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    texts += [recording.text.encode() for recording in runs]  # a record may be cut in two between blocks of its file
    assert not [key for key, value in KEYS.items() if any(value.encode() in text for text in texts)]


def test_candidates_are_sampled_into_a_table(smoke: Path, tmp_path: Path) -> None:
    command = [
        "augment.py", "tracking=offline", f"output_root={tmp_path}", f"segments={smoke}/segments/web", "limit=3",
        f"model_path={smoke}/models/backward", "generation.max_new_tokens=4", "generation.unfinished=keep", "engine.dtype=float32",
    ]  # fmt: skip
    assert run(*command).returncode == 0
    (table,) = tmp_path.glob("wandb/offline-run-*/files/media/table/candidates_*.table.json")
    held = json.loads(table.read_text())
    assert held["columns"] == ["id", "url", "instruction", "output", "dropped"]
    assert len(held["data"]) == 3


def test_an_axis_that_was_never_given_is_no_figure(tmp_path: Path) -> None:
    """A stage without progress: its counts stand alone, neither `rows: 0` beside them nor in their line of the history."""
    _, select = chain(tmp_path / "outputs")
    finish(select)
    result = run("-c", SESSION, select.folder)
    assert result.returncode == 0, result.stderr
    (session,) = recorded(tmp_path / "outputs")
    assert session.summary.items() >= {"rows/in": 3, "rows/out": 1}.items() and "rows" not in session.summary
    (counts,) = [item for item in session.history if "rows/in" in item]
    assert "rows" not in counts


def test_tracking_none_writes_nothing(smoke: Path) -> None:
    assert not (smoke / "wandb").exists()
