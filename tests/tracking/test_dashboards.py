"""The workspace and report of every sweep, as the JSON that W&B would be sent. They have not been shown to a server."""

import json
from pathlib import Path

import pytest

from humpback_exp.tracking import dashboards, sweeps
from tests.conftest import ROOT, one_line_error, run

FILES = sorted((ROOT / "sweeps").glob("*.yaml"))
SCRIPT = "sweeps/dashboards.py"


def panels(sections: list[dict]) -> dict[str, list[dict]]:
    return {section["name"]: section["panels"] for section in sections}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_sweep_has_the_same_panels_over_what_it_varies(path: Path) -> None:
    sweep = sweeps.read(path)
    assert sweep.keys and sweep.group and "#" not in sweep.question and sweep.question
    section = dashboards.specs(sweep, "humpback")["workspace"]["section"]
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
    (own, shared) = runs["filters"]["filters"]
    assert (own["key"]["name"], own["op"], own["value"]) == ("group", "=", sweep.group)
    assert (shared["key"]["name"], shared["value"], shared["connector"]) == ("jobType", list(dashboards.SHARED), "OR")


def test_panels_point_at_what_runs_record() -> None:
    sweep = sweeps.read(ROOT / "sweeps/curation_threshold.yaml")
    held = panels(dashboards.specs(sweep, "p")["workspace"]["section"]["panelBankConfig"]["sections"])
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
    spec = dashboards.specs(sweeps.read(ROOT / "sweeps/tags.yaml"), "p")["report"]
    grids = [block["metadata"]["runSets"][0] for block in spec["blocks"] if block["type"] == "panel-grid"]
    said = {grid["name"]: [(f["key"]["name"], f["value"]) for f in grid["filters"]["filters"]] for grid in grids}
    assert said == {
        "Results": [("group", "tags"), ("jobType", "evaluate")],
        "Training": [("group", "tags"), ("jobType", "train")],
        "Data": [("jobType", list(dashboards.SHARED))],
        "Compare": [("group", "tags"), ("jobType", "evaluate")],
    }


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
    result = run(SCRIPT, "sweep=data_size", f"output={tmp_path}/d.json", PYTHONPATH=str(ROOT), WANDB_API_KEY="")
    assert (result.returncode, result.stdout) == (0, f"workspace and report: {tmp_path}/d.json\n"), result.stderr
    assert json.loads((tmp_path / "d.json").read_text()).keys() == {"workspace", "report"}


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
