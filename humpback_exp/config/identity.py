"""What of a config identifies a run.

A field marked `operational` says how a run is done, not what it is: it never enters a fingerprint.
A field marked `artifact_input` is a path: the fingerprint of what lies there enters instead of the path.
A field marked `gained` belongs to a measurement that a finished folder may gain.
"""

from dataclasses import field, fields, is_dataclass
from typing import Any

from humpback_exp.config.bounds import Bound, require
from humpback_exp.config.load import to_plain


def operational(default: Any, bound: Bound | None = None) -> Any:
    """A field that may differ between two sessions of the same run, such as device, workers or tracking."""
    return _marked(default, operational=True, bound=bound)


def artifact_input(default: Any = None, gained: bool = False) -> Any:
    """A path (or Hub id) that a stage reads, or a dict of several by name; identified by the fingerprint of its content."""
    return _marked(default, input=True, gained=gained)


def gained(default: Any) -> Any:
    """Settings of a measurement that a folder may gain after it is finished: they identify its files, not the folder."""
    return _marked(default, gained=True)


def _marked(default: Any, **metadata: Any) -> Any:
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def identity(config: Any) -> dict[str, Any]:
    """The settings that identify a run, flat as `key.subkey -> value`.

    Operational fields, input paths and inactive fields are left out.
    """
    flat: dict[str, Any] = {}
    for f in fields(config):
        if f.metadata.get("operational") or f.metadata.get("input") or f.name in inactive_fields(config):
            continue
        value = getattr(config, f.name)
        if is_dataclass(value):
            flat |= {f"{f.name}.{key}": inner for key, inner in identity(value).items()}
        else:
            flat[f.name] = to_plain(value)
    return flat


def input_paths(config: Any, prefix: str = "") -> dict[str, str]:
    """Config key -> path of everything that a stage reads. Inputs that are unset or inactive are left out.

    Raises:
        ValueError: a path is empty, which would be the current directory.
    """
    found: dict[str, str] = {}
    for f in fields(config):
        value = getattr(config, f.name)
        if f.metadata.get("input") and value is not None and f.name not in inactive_fields(config):
            several = dict(enumerate(value)) if isinstance(value, list) else value
            paths = {f".{name}": path for name, path in several.items()} if isinstance(several, dict) else {"": value}
            for name, path in paths.items():
                require(
                    str(path) != "",
                    prefix + f.name + name,
                    "''",
                    "names nothing; give a path or Hub id, or leave it out",
                )
                found[prefix + f.name + name] = str(path)
        elif is_dataclass(value):
            found |= input_paths(value, f"{prefix}{f.name}.")
    return found


def inactive_fields(config: Any) -> set[str]:
    """Names of the fields that have no effect given the values of the others, as the config's own `inactive_fields` lists them."""
    return getattr(config, "inactive_fields", set())
