"""`make gpu-bundle`, its installer, and `make gpu-check` as far as a machine without a GPU can show them."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import bundle, check, machine, whole
from benchmarks.gpu.rows import MARK, Row, Setup, at_most, markdown
from tests.conftest import one_line_error, run

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def wheel(folder: Path, name: str, version: str) -> None:
    """The smallest wheel that pip installs: one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle in parts of 300 bytes below an otherwise empty project: a package that another needs, one that is here already."""

    def download(packages: dict[str, str], python: str, folder: Path) -> None:
        assert python == HERE
        for name, version in packages.items():
            wheel(folder, name, version)

    versions = {"whale": "1.0", "krill": "2.1", "numpy": "9.9"}
    needs = {"": {"whale": ">=1", "numpy": ">=2"}, "whale": {"krill": "==2.*"}, "krill": {}, "numpy": {"absent": ""}}
    monkeypatch.setattr(bundle, "graph", lambda python: needs)
    monkeypatch.setattr(bundle, "version_of", versions.get)
    monkeypatch.setattr(bundle, "download", download)
    monkeypatch.setattr(bundle, "PART", 300)
    model = tmp_path / "source/smollm2-135m"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (model / "weights").write_bytes(bytes(range(256)) * 4)
    bundle.make(tmp_path / "project/gpu-bundle", HERE, model, pages=tmp_path / "no pages")
    return tmp_path / "project/gpu-bundle"


def install(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Without any package index: the installer asks none, and the address here leads nowhere."""
    return run(folder / "install.py", *arguments, PIP_INDEX_URL="http://127.0.0.1:9")


def test_a_bundle_installs_what_is_lacking_and_its_model(made: Path) -> None:
    done = install(made)
    assert done.returncode == 0, done.stderr
    project = made.parent
    assert sorted(path.name for path in (project / "gpu-site").glob("*.py")) == ["krill.py", "whale.py"]
    assert (project / "models/smollm2-135m/weights").read_bytes() == bytes(range(256)) * 4
    assert all(path.stat().st_size <= 300 for path in made.glob("*.tar.*"))
    again = run(made / "install.py", PYTHONPATH=str(project / "gpu-site"))
    assert again.returncode == 0, again.stderr


def test_what_a_node_has_is_not_put_beside_its_own_nor_what_that_needs(made: Path) -> None:
    """numpy is here in a version that will do: neither the bundle's nor what the bundle's would need is installed."""
    assert install(made, "--only", "packages").returncode == 0
    assert not (made.parent / "gpu-site/numpy.py").exists() and not (made.parent / "models").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: (made / "model.tar.02").unlink(), "model.tar.02: missing, one of"),
        (lambda made: (made / "model.tar.02").write_bytes(b"x"), "model.tar.02: damaged, its SHA-256 is not the one"),
        (lambda made: (made / "packages.tar.01").unlink(), "packages.tar.01: missing, one of"),
        (lambda made: (made / "bundle.json").unlink(), "bundle.json: missing, so the bundle is not whole"),
    ],
)
def test_a_bundle_that_is_not_whole_names_the_part(made: Path, spoil, said: str) -> None:
    spoil(made)
    assert said in one_line_error(install(made))


def test_a_bundle_for_another_python_is_refused(made: Path) -> None:
    facts = json.loads((made / "bundle.json").read_text())
    (made / "bundle.json").write_text(json.dumps(facts | {"python": "3.7"}))
    said = one_line_error(install(made))
    assert "made for Python 3.7" in said and f"this is Python {HERE}" in said
    assert not (made.parent / "gpu-site").exists()


def test_the_graph_holds_what_nodes_lack_and_nothing_of_torch() -> None:
    needed = bundle.graph("3.12")
    assert {"hydra-core", "omegaconf", "antlr4-python3-runtime", "deepspeed", "hjson", "wandb", "pydantic-core"} <= set(
        needed
    )
    assert not {"torch", "transformers", "triton", "numpy", "setuptools"} & set(needed)
    assert needed[""]["hydra-core"] == "<1.4,>=1.3.4" and needed["hydra-core"]["omegaconf"]
    assert all(need in needed for needs in needed.values() for need in needs)


def test_no_gpu_is_said_in_one_line() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    said = one_line_error(run("-m", "benchmarks.gpu.check"))
    assert said.startswith(f"torch {torch.__version__} finds no GPU it can use (")


@pytest.mark.parametrize(
    "reason",
    [
        "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver",
        "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
    ],
)
def test_what_torch_says_of_the_driver_is_told(monkeypatch: pytest.MonkeyPatch, capsys, reason: str) -> None:
    def init() -> None:
        raise RuntimeError(reason)

    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(SystemExit) as stop:
        check.refuse_early("cuda")
    (line,) = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and reason.split(". ")[0] in line and "Please" not in line


def test_what_is_not_installed_is_named_with_the_bundle(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    here = [each for each in check.distributions() if check.name_of(each.name) not in ("hydra-core", "deepspeed")]
    monkeypatch.setattr(check, "distributions", lambda: here)
    with pytest.raises(SystemExit) as stop:
        check.refuse_early("cpu")
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "error: hydra-core, deepspeed not installed; make gpu-bundle where there is a network, then "
        "python3 gpu-bundle/install.py here (docs/gpu.md)\n"
    )


def test_a_check_cut_off_by_its_bound_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check prints a row and hangs: the row stands in both files, and so does the bound."""
    row = json.dumps({"check": "hung", "what": "measured", "figure": 1.5})
    script = tmp_path / "check.py"
    script.write_text(f"import time\nprint({MARK + row!r}, flush=True)\ntime.sleep(600)\n")
    monkeypatch.setattr(Setup, "command", lambda setup, name: [sys.executable, str(script)])
    report = check.Report(Setup("cpu", tmp_path))
    for each in check.run("hung", report.setup, seconds=3):
        report.add(each)
    rows = json.loads((tmp_path / "gpu-check.json").read_text())["rows"]
    assert [(row["what"], row["figure"], row["passed"]) for row in rows] == [
        ("measured", 1.5, None),
        ("ended", "stopped after 3 s", False),
    ]
    assert (
        "| hung | ended | stopped after 3 s | 3 s |  | **not passed** |  |" in (tmp_path / "gpu-check.md").read_text()
    )


def test_a_check_that_fails_says_why_and_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "check.py"
    script.write_text("raise SystemExit('no luck today')\n")
    monkeypatch.setattr(Setup, "command", lambda setup, name: [sys.executable, str(script)])
    (row,) = check.run("unlucky", Setup("cpu", tmp_path), seconds=60)
    assert (row.figure, row.passed) == ("status 1", False)
    assert row.note == f"no luck today ({tmp_path}/unlucky.log)"


def test_no_number_passes_no_bound() -> None:
    assert at_most("c", "w", 1.0, 1.0).passed and not at_most("c", "w", float("nan"), 1.0).passed


def test_the_table_says_what_was_not_measured() -> None:
    text = markdown({"gpu": "H"}, [Row("c", "speed | share", None, note="not measured: no vLLM", plan=12345.6)])
    assert text.splitlines()[2:] == [
        "- gpu: H", "", "| check | what | measured | bound | plan |  | note |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| c | speed / share |  |  | 12,346 |  | not measured: no vLLM |",
    ]  # fmt: skip


def test_a_gpu_that_somebody_else_uses_does_not_pass() -> None:
    row = machine.memory_free(30 << 30, 140 << 30)
    assert (row.passed, row.figure) == (False, 30 / 140)
    assert row.note.startswith("30.0 of 140.0 GiB are free; somebody else uses this GPU")
    assert machine.memory_free(139 << 30, 140 << 30).passed


@pytest.mark.parametrize(
    ("free", "size"), [(139.0, "LLaMA 7B"), (79.0, "a Llama of 3B"), (40.0, "a Llama of 1B"), (4.0, None)]
)
def test_the_largest_shape_is_what_the_planner_says_fits(monkeypatch: pytest.MonkeyPatch, free: float, size) -> None:
    monkeypatch.setattr(whole, "free", lambda setup: free)
    setup = Setup("cuda", Path("nowhere"))
    found = whole.largest(setup)
    assert (found.name if found else None) == size
    if size is None:
        (row,) = whole.rows(setup)
        assert (row.passed, row.note) == (False, "not measured: 4.0 GiB are free, too few for any shape")


@pytest.mark.parametrize("name", ["AcceleratorError", "OutOfMemoryError"])
def test_a_gpu_that_fails_ends_a_command_in_one_line(name: str) -> None:
    code = (
        "import torch\nfrom humpback_exp.errors import user_errors\n"
        f"def main(): raise torch.{name}('CUDA error: unspecified launch failure\\nCompile with TORCH_USE_CUDA_DSA')\n"
        "user_errors(main)"
    )
    said = one_line_error(run("-c", code))
    assert said.startswith("CUDA error: unspecified launch failure: the GPU") and "what was finished is kept" in said


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_all_checks_run_and_pass_on_a_cpu_with_tiny_shapes(tmp_path: Path) -> None:
    """One process after the other: a minute or two."""
    done = run("-m", "benchmarks.gpu.check", "--device", "cpu", "--to", tmp_path, limit=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "gpu-check.json").read_text())["rows"]
    assert list(dict.fromkeys(row["check"] for row in rows)) == list(check.CHECKS)
    assert [row for row in rows if row["passed"] is False] == []
    assert sum(row["passed"] is True for row in rows) == 23
    assert (tmp_path / "gpu-check.md").read_text().count("\n| ") == len(rows) + 2
