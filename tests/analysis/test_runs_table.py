"""The public table: a row for every finished folder, with its settings, figures and lineage."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import loop_folders as folders
import pyarrow.csv
import pyarrow.parquet
import pytest

from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.runs_table import COLUMNS, table
from humpback_exp.config import ReportConfig
from humpback_exp.workflow import report

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loop")
    folders.whole_loop(root)
    return root


def test_every_finished_folder_is_a_row_with_its_settings_and_figures(root: Path) -> None:
    found = table(read_catalog(str(root)))
    assert found.column_names[: len(COLUMNS)] == list(COLUMNS)
    rows = {row["run"]: row for row in found.to_pylist()}
    assert list(rows) == [folder.label for folder in read_catalog(str(root)).folders]
    m1, evaluated = rows["models/m1"], rows["evals/m1"]
    assert (m1["kind"], m1["name"], m1["settings.data.min_score"], m1["rows.web"]) == ("models", "m1", 4.0, 3)
    assert (m1["metrics.win_rate"], evaluated["metrics.win_rate"]) == (None, pytest.approx(23 / 24))
    assert evaluated["settings.tags"] == '["seed", "web"]' and rows["segments/web"]["drops.too short"] == 30
    assert rows["models/m0"]["settings.optim.lr"] == 1e-5 and isinstance(m1["settings.seed"], int)


def test_lineage_names_rows_of_the_table_and_paths_outside_it(root: Path) -> None:
    rows = {row["run"]: row for row in table(read_catalog(str(root))).to_pylist()}
    m1 = rows["models/m1"]
    assert (m1["inputs.data.scored"], m1["inputs.model.path"]) == ("scored/m0", "org/base")
    assert m1["inputs.data.scored.fingerprint"] == rows["scored/m0"]["fingerprint"]
    assert m1["made_from"] == "scored/m0, models/m0, candidates/web, segments/web, models/backward"
    assert rows["segments/web"]["made_from"] == ""


def test_an_input_made_anew_is_a_path_and_no_row(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    shutil.rmtree(tmp_path / "segments" / "web")
    folders.segments(tmp_path, min_chars=700)
    rows = {row["run"]: row for row in table(read_catalog(str(tmp_path))).to_pylist()}
    assert rows["candidates/web"]["inputs.segments"] == f"{tmp_path}/segments/web"
    assert "segments/web" not in rows["candidates/web"]["made_from"]


@pytest.mark.parametrize("end", ["parquet", "csv"])
def test_numbers_and_texts_that_no_column_takes_are_written_otherwise(tmp_path: Path, end: str) -> None:
    folders.model(tmp_path, "m0")
    path = tmp_path / "models" / "m0" / "manifest.json"
    made = json.loads(path.read_text())
    made["metrics"] = {"large": 2**70, "half": "a\ud800b"}
    made["drops"] = {"half \ud800": 3}
    path.write_text(json.dumps(made))
    folders.model(tmp_path, "m1")
    report.run(ReportConfig(output_root=str(tmp_path), table=str(tmp_path / f"runs.{end}")))
    found = table(read_catalog(str(tmp_path)))
    assert found["metrics.large"].to_pylist() == [str(2**70), None]
    assert found["metrics.half"].to_pylist() == ["a\\ud800b", None]
    assert found["drops.half \\ud800"].to_pylist() == [3, None]


@pytest.mark.parametrize("end", ["parquet", "csv"])
def test_both_formats_hold_the_same_loops_below_included(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    folders.segments(tmp_path / "s0")
    folders.model(tmp_path, "m0")
    (tmp_path / "evals" / "m0").mkdir(parents=True)
    (tmp_path / "evals" / "m0" / "begun.json").write_text("{}")
    path = tmp_path / "tables" / f"runs.{end}"
    report.run(ReportConfig(output_root=str(tmp_path), table=str(path)))
    found = (pyarrow.csv.read_csv if end == "csv" else pyarrow.parquet.read_table)(path)
    assert sorted(found["run"].to_pylist()) == ["models/m0", "s0/segments/web"]
    assert found["rows.segments"].to_pylist() == [25, None] and found["settings.optim.lr"].to_pylist() == [None, 1e-5]
    assert capsys.readouterr().out == f"\ntable: {path}, 2 runs; left out: 1 unfinished, 0 damaged\n"
    assert not list(path.parent.glob(".*"))


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^table=runs.xlsx: must end in .parquet or .csv$"):
        ReportConfig(table="runs.xlsx")
    with pytest.raises(
        ValueError, match=r"^table=runs.csv: excludes sweep=tags, which is about a page; run them one by one$"
    ):
        ReportConfig(table="runs.csv", sweep="tags")
    with pytest.raises(ValueError, match=r"^output_root=.*: no finished folder in segments, models"):
        report.run(ReportConfig(output_root=str(tmp_path), table=str(tmp_path / "runs.csv")))
    (tmp_path / "runs.csv").mkdir()
    with pytest.raises(ValueError, match=r"^table=.*runs.csv: is a folder; give the name of a file in it$"):
        report.run(ReportConfig(output_root=str(tmp_path), table=str(tmp_path / "runs.csv")))


@pytest.mark.slow
def test_the_command_writes_it(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "report.py", f"output_root={root}", f"table={tmp_path}/runs.parquet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (
        0,
        f"\ntable: {tmp_path}/runs.parquet, 12 runs; left out: 0 unfinished, 0 damaged\n",
    )
