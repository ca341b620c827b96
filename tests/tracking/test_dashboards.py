"""The workspace and report of every sweep, as the JSON that W&B would be sent. They have not been shown to a server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from humpback_exp import artifacts
from humpback_exp.artifacts import fingerprint
from humpback_exp.config import StageConfig
from humpback_exp.tracking import dashboards, sweeps
from humpback_exp.tracking.lineage import Upstream, upstream
from humpback_exp.tracking.names import run_id
from tests.conftest import ROOT, one_line_error, run
from tests.tracking.folders import chain, finish, point

FILES = sorted((ROOT / "sweeps").glob("*.yaml"))
SCRIPT = "sweeps/dashboards.py"
NOTHING = Upstream([], [])
SWEPT = {"sweeper": {"params": {"seed": "0,1"}}}


def panels(sections: list[dict]) -> dict[str, list[dict]]:
    return {section["name"]: section["panels"] for section in sections}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_sweep_has_the_same_panels_over_what_it_varies(path: Path) -> None:
    sweep = sweeps.read(path)
    assert sweep.keys and sweep.group and "#" not in sweep.question and sweep.question
    section = dashboards.specs(sweep, NOTHING, "humpback")["workspace"]["section"]
    held = panels(section["panelBankConfig"]["sections"])
    assert {name: [panel["viewType"] for panel in some] for name, some in held.items()} == {
        "Results": ["Parallel Coordinates Plot", "Scatter Plot", "Scatter Plot"],
        "Training": ["Run History Line Plot"] * 3,
        "Data": ["Bar Chart", "Bar Chart"],
        "Compare": ["Run Comparer"],
    }
    columns = [column["displayName"] for column in held["Results"][0]["config"]["columns"]]
    assert columns == [*sweep.keys, "examples", "heldout_loss", "win_rate"]
    (runs,) = section["runSets"]
    assert said(runs) == [(None, "group", "=", sweep.group)]


def test_panels_point_at_what_runs_record() -> None:
    sweep = sweeps.read(ROOT / "sweeps/curation_threshold.yaml")
    held = panels(dashboards.specs(sweep, NOTHING, "p")["workspace"]["section"]["panelBankConfig"]["sections"])
    coordinates, win_rate, loss = (panel["config"] for panel in held["Results"])
    size = "config:lineage.value.models.rows.examples"
    swept = "config:lineage.value.models.data.min_score"
    outcomes = ["summary:heldout_loss", "summary:win_rate"]
    assert [column["accessor"] for column in coordinates["columns"]] == [swept, size, *outcomes]
    assert (win_rate["xAxis"], win_rate["yAxis"], win_rate["xAxisLogScale"]) == (size, "summary:win_rate", True)
    assert (loss["xAxis"], loss["yAxis"], loss["xAxisLogScale"]) == (size, "summary:heldout_loss", True)
    lines = [(panel["config"]["xAxis"], panel["config"]["metrics"]) for panel in held["Training"]]
    assert lines == [("step", ["loss"]), ("step", ["lr"]), ("step", ["tokens_per_second"])]
    funnel, scores = (panel["config"] for panel in held["Data"])
    assert (funnel["metrics"], funnel["groupBy"]) == (["rows/in", "rows/out"], "jobType")
    assert scores["metrics"] == [f"histogram/{level}" for level in range(1, 6)]


def test_each_grid_of_the_report_has_only_the_runs_it_is_about() -> None:
    tags = sweeps.read(ROOT / "sweeps/tags.yaml")
    group = (None, "group", "=", "tags")
    evaluated, trained = ([group, ("AND", "jobType", "=", stage)] for stage in ("evaluate", "train"))
    grids = {"Results": evaluated, "Training": trained, "Compare": evaluated}
    assert filters(dashboards.specs(tags, NOTHING, "p")["report"]) == grids
    grids |= {"Data": [(None, "name", "IN", ["d"])], "Training": [*trained, ("OR", "name", "IN", ["m"])]}
    assert filters(dashboards.specs(tags, Upstream(["d"], ["m"]), "p")["report"]) == grids
    (runs,) = dashboards.specs(tags, Upstream(["d"], ["m"]), "p")["workspace"]["section"]["runSets"]
    assert said(runs) == [group, ("OR", "name", "IN", ["d", "m"])]


def filters(spec: dict) -> dict[str, list]:
    """Title of a grid -> its filters."""
    grids = [block["metadata"]["runSets"][0] for block in spec["blocks"] if block["type"] == "panel-grid"]
    return {grid["name"]: said(grid) for grid in grids}


def said(runs: dict) -> list:
    return [(f.get("connector"), f["key"]["name"], f["op"], f["value"]) for f in runs["filters"]["filters"]]


def test_another_loops_runs_do_not_get_in(tmp_path: Path) -> None:
    """Neither those of a loop whose folders have the same names, nor what stands beside the data of this one."""
    ours, theirs = (chain(tmp_path / name)[0] for name in ("ours", "theirs"))
    assert (ours.name, fingerprint(str(ours.folder))) == (theirs.name, fingerprint(str(theirs.folder)))
    for scored, group in ((ours, "data_size"), (theirs, "tags")):
        point(scored, group, group)
    finish(replace(ours, name="m1"))
    finish(chain(tmp_path / "ours")[1])
    assert upstream(tmp_path, "data_size") == Upstream([made_by(ours)], [])
    assert upstream(tmp_path, "tags") == Upstream([made_by(theirs)], [])
    assert made_by(ours) != made_by(theirs)


def made_by(config: StageConfig) -> str:
    """Id of the run of a finished folder."""
    made = artifacts.begin(config, write=False)
    return run_id(made.folder, made.manifest.fingerprint)


def test_a_model_that_another_sweep_has_trained_is_shown(tmp_path: Path) -> None:
    scored, _ = chain(tmp_path / "outputs")
    train, _ = point(scored, "data_size", "curation_threshold")
    point(scored, "data_size", "data_size")
    root = tmp_path / "outputs"
    assert upstream(root, "curation_threshold") == Upstream([made_by(scored)], [made_by(train)])
    assert upstream(root, "data_size") == Upstream([made_by(scored)], [])


def test_without_points_only_the_group_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chain(tmp_path / "outputs")
    assert upstream(tmp_path / "outputs", "tags") == NOTHING
    assert caplog.messages == [
        f"output_root={tmp_path}/outputs: no finished point of tags, so the runs of its data are left out"
    ]


def test_a_group_may_have_any_name(tmp_path: Path) -> None:
    """The client's parser would take quotes for the end, and turn `=` into `==`."""
    group = """it's "a=b", lr<1 or lr>2\\"""
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({"tracking": {"group": group}, "hydra": SWEPT}))
    (runs,) = dashboards.specs(sweeps.read(tmp_path / "x.yaml"), NOTHING, "p")["workspace"]["section"]["runSets"]
    assert said(runs) == [(None, "group", "=", group)]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("data.min_score", "lineage.models.data.min_score"),
        ("optim.lr", "lineage.models.optim.lr"),
        ("seed", "lineage.models.seed"),
        ("model.path", "lineage.models.model.path"),
        ("top_fraction", "lineage.models.data.top_fraction"),
        ("scorer", "lineage.scored.scorer"),
        ("rubric.name", "lineage.scored.rubric.name"),
        ("curation.scorer", "lineage.scored.scorer"),
        ("evaluation.tags", "tags"),
        ("tags", "tags"),
        ("name", "lineage.models.name"),
        ("nowhere", "nowhere"),
    ],
)
def test_a_swept_key_is_found_in_the_evaluations_config(key: str, found: str) -> None:
    assert sweeps.address(key) == found


def test_a_choice_between_options_is_what_they_set(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "# Which?\n# Both?\ndefaults: [train]\nhydra: {sweeper: {params: {mixture: 'a,b', asked: c, model: d, iterations: 1}}}\n"
    )
    for name, text in {
        "mixture/a": "# @package _global_\nname: x\ndata: {seed_path: null}\n",
        "mixture/b": "# @package _global_\ndata: {seed_path: null, min_score: 4}\n",
        "asked/c": "# @package evaluation\nname: x\ntags: [seed]\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.yaml").write_text(text)
    sweep = sweeps.read(tmp_path / "x.yaml")
    assert sweep.keys == ["data.seed_path", "data.min_score", "evaluation.tags", "model.path", "name"]
    assert (sweep.group, sweep.question) == ("x", "Which? Both?")


def test_a_sweep_that_varies_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("defaults: [train]\n")
    with pytest.raises(ValueError, match=r"x.yaml: names nothing in hydra.sweeper.params, so there is nothing to plot"):
        sweeps.read(tmp_path / "x.yaml")


def test_output_writes_both_without_a_key(tmp_path: Path) -> None:
    scored, _ = chain(tmp_path / "outputs")
    point(scored, "data_size", "data_size")
    arguments = ["sweep=data_size", f"output_root={tmp_path}/outputs", f"output={tmp_path}/d.json"]
    result = run(SCRIPT, *arguments, PYTHONPATH=str(ROOT), WANDB_API_KEY="")
    assert (result.returncode, result.stdout) == (0, f"workspace and report: {tmp_path}/d.json\n"), result.stderr
    written = json.loads((tmp_path / "d.json").read_text())
    assert written.keys() == {"workspace", "report"}
    assert filters(written["report"])["Data"] == [(None, "name", "IN", [made_by(scored)])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep=tags"], "W&B: no key; set WANDB_API_KEY or run `wandb login`, then run the same command again"),
        (["sweep=nosuch"], "sweep=nosuch: no such sweep; there are "),
    ],
)
def test_one_line_says_what_is_missing(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = run(SCRIPT, *arguments, PYTHONPATH=str(ROOT), HOME=str(tmp_path), WANDB_API_KEY="")
    assert one_line_error(result).startswith(said)
