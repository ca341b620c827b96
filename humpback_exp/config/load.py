"""How a composed config becomes a checked dataclass, and a dataclass plain values."""

from dataclasses import field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf

T = TypeVar("T")


def swept(cls: type[T]) -> type[T]:
    """The schema of a root script: `cls` with `n_jobs`, the points of a sweep that run at a time on this machine.

    The sweep reads it; its points never see it. On a cluster the launcher says how many run at a time.
    """
    return make_dataclass(cls.__name__, [("n_jobs", int, field(default=1))], bases=(cls,), kw_only=True)


def load(cfg: DictConfig, cls: type[T]) -> T:
    """Resolve a composed config and make it a `cls`; unknown keys and wrong types raise, naming the key."""
    values = OmegaConf.to_container(cfg)
    assert isinstance(values, dict)
    values.pop("n_jobs", None)  # of the sweep; frozen configs held it, too
    merged = OmegaConf.merge(OmegaConf.structured(cls), _with_home(values))
    result = OmegaConf.to_object(merged)
    assert isinstance(result, cls)
    return result


def _with_home(value: Any) -> Any:
    """Values with `~/` at their beginning as paths in the home folder, which a shell leaves alone behind `key=`."""
    if isinstance(value, dict):
        return {key: _with_home(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_home(inner) for inner in value]
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~/") else value


def read(path: Path, cls: type[T]) -> T:
    """Load a frozen `config.yaml` back into its dataclass."""
    cfg = OmegaConf.load(path)
    assert isinstance(cfg, DictConfig)
    cfg.pop("stage", None)
    return load(cfg, cls)


def to_plain(config: Any) -> Any:
    """Dataclasses, lists and paths as YAML-ready plain values."""
    if is_dataclass(config):
        return {f.name: to_plain(getattr(config, f.name)) for f in fields(config)}
    if isinstance(config, dict):
        return {key: to_plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_plain(value) for value in config]
    return str(config) if isinstance(config, Path) else config
