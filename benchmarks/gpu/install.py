"""Unpack a bundle on a node without a network. It needs nothing but the node's Python with pip, and writes below this project only.

    python3 gpu-bundle/install.py

Packages go into `gpu-site`, which stands beside the node's own packages once PYTHONPATH names it; nothing of the node's is
changed, so its site-packages may be read-only. The demo's model goes into `models`, its pages into `pages`.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BUNDLE = Path(__file__).resolve().parent


def refuse(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def facts() -> dict[str, Any]:
    """What the bundle says of itself; ends the program unless it is for this Python and processor."""
    path = BUNDLE / "bundle.json"
    if not path.exists():
        refuse(f"{path}: missing, so the bundle is not whole; copy the folder that `make gpu-bundle` wrote")
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if (told["python"], told["machine"]) != (here, platform.machine()):
        refuse(
            f"{BUNDLE}: made for Python {told['python']} on {told['machine']}, this is Python {here} on "
            f"{platform.machine()}; make another with: python -m benchmarks.gpu.bundle --python {here}"
        )
    return told


def unpack(kind: str, parts: dict[str, str], folder: Path) -> None:
    """Put the parts of an archive together in `folder`; ends the program where one is missing or damaged."""
    for name, sha256 in parts.items():
        path = BUNDLE / name
        if not path.exists():
            refuse(
                f"{path}: missing, one of {len(parts)} part(s) of the {kind}; copy it from where the bundle was made"
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            refuse(f"{path}: damaged, its SHA-256 is not the one in bundle.json; copy it again")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as whole:
        for name in parts:
            whole.write((BUNDLE / name).read_bytes())
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            archive.extractall(folder, filter="data")


def lacking(needs: dict[str, dict[str, str]]) -> list[str]:
    """The packages to install: what the project needs and the node has not, or not in a version that will do, and so on.

    Of what the node has already nothing is put beside its own, so that packages made for one another stay together.
    """
    chosen = {""}
    while True:
        asked = [need for name in chosen for need in needs[name].items()]
        more = {name for name, versions in asked if not there(name, versions)} - chosen
        if not more:
            return sorted(chosen - {""})
        chosen |= more


def there(name: str, versions: str) -> bool:
    """Whether the node has a package in one of these versions."""
    from pip._vendor.packaging.specifiers import SpecifierSet  # all that a bare Python with pip has

    try:
        return SpecifierSet(versions, prereleases=True).contains(version(name))
    except PackageNotFoundError:
        return False


def install(folder: Path, told: dict[str, Any], site: Path) -> None:
    """Install what is `lacking`, by the node's own pip, which builds a source with the node's own setuptools."""
    wanted = [f"{name}=={told['versions'][name]}" for name in lacking(told["needs"])]
    # without the first, DeepSpeed would compile its operators now; none of them is used
    environment = os.environ | {"DS_BUILD_OPS": "0", "PIP_CONFIG_FILE": os.devnull}
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(folder), "--no-deps",
        "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check", "--upgrade", "--target", str(site),
    ]  # fmt: skip
    if wanted and subprocess.run([*command, *wanted], env=environment).returncode:
        refuse(f"{site}: pip could not install every package, as it says above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=BUNDLE.parent, help="the project's folder")
    parser.add_argument("--only", nargs="+", choices=("packages", "model", "pages"), help="leave the other parts alone")
    arguments = parser.parse_args()
    project: Path = arguments.into.resolve()
    if find_spec("pip") is None:
        refuse(f"{sys.executable}: has no pip; use the Python that has torch, or install python3-pip")
    told = facts()
    chosen = {kind: parts for kind, parts in told["parts"].items() if kind in (arguments.only or told["parts"])}
    if not os.access(project, os.W_OK):
        refuse(f"--into={project}: cannot be written; name a folder that can")
    if "packages" in chosen:
        with tempfile.TemporaryDirectory(dir=project) as scratch:
            unpack("packages", chosen["packages"], Path(scratch))
            install(Path(scratch), told, project / "gpu-site")
    if "model" in chosen:
        unpack("model", chosen["model"], project / "models")
    if "pages" in chosen:
        unpack("pages", chosen["pages"], project)
    print(f"installed: {', '.join(chosen)}; next: make gpu-check, or export PYTHONPATH={project}/gpu-site")


if __name__ == "__main__":
    main()
