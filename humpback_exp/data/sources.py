"""Where human pairs lie: a file, a folder laid out like a dataset, or a dataset on the Hugging Face Hub, as a list of files.

A Hub dataset is fetched into the Hub's cache at one commit and read from there, like any folder: what was fetched once is
found again without a network.
"""

import logging
import os
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from yaml import YAMLError

from humpback_exp.config import DatasetConfig, EvaluateConfig, GateConfig, StageConfig, TrainConfig

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
OPTIONS = {"data.seed_path": "data.dataset", "heldout": "heldout_dataset", "gate.path": "gate.dataset"}
"""Config key of a path -> that of the options beside it."""
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".lz4": "lz4"}
FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", *COMPRESSED)
"""Ends of names of files, which are no ids on the Hub."""


@cache
def library() -> Any:
    """The `datasets` library, imported at the first call: without torch, telemetry, progress bars and log lines of its own."""
    import datasets

    datasets.config.TORCH_AVAILABLE = False  # it imports torch wherever it finds it; pairs need no tensors
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # it asks a server of its own to count reads of local files, too
    datasets.logging.set_verbosity(logging.CRITICAL)
    datasets.disable_progress_bars()
    logging.getLogger("huggingface_hub.repocard").setLevel(logging.ERROR)  # not every folder has a card
    return datasets


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a source, in order."""

    paths: list[str]
    rows: int | None
    """How many rows they hold together, where the dataset's card tells."""


def find_files(path: str, dataset: DatasetConfig, key: str) -> Files:
    """Where the rows of a source are.

    Args:
        key: the config key of the path, for messages.

    Raises:
        ValueError: no such file, folder, Hub dataset, configuration or split, or no access; with the remedy.
    """
    if Path(path).is_file():
        return Files([path], None)
    folder = Path(path) if Path(path).is_dir() else snapshot(path, dataset.revision, key)
    with TemporaryDirectory() as scratch:  # for the lock file that the library leaves of all that it opens
        try:
            builder = library().load_dataset_builder(str(folder), name=dataset.name, cache_dir=scratch)
        except (ValueError, OSError, YAMLError) as error:
            said = shorten(str(error), 200)
            raise ValueError(f"{key}={path}: no dataset ({said}); {OPTIONS[key]}.name={dataset.name}") from None
    splits = {str(split): files for split, files in builder.config.data_files.items()}
    wanted = dataset.split.split("+")
    for split in wanted:
        if split not in splits:
            raise ValueError(f"{OPTIONS[key]}.split={dataset.split}: {path} has no {split}, but {', '.join(splits)}")
    told = builder.info.splits or {}
    rows = sum(told[split].num_examples for split in wanted) if told.keys() >= set(wanted) else None
    return Files([inside(folder, file, key) for split in wanted for file in splits[split]], rows)


def inside(folder: Path, file: str, key: str) -> str:
    """A file that a dataset's card names, which must lie in its folder: cards come from outside."""
    if not Path(os.path.normpath(file)).is_relative_to(folder.resolve()):
        raise ValueError(f"{key}={folder}: its card names {file}, which is not in it; mend data_files in README.md")
    return str(file)


def snapshot(path: str, revision: str | None, key: str) -> Path:
    """The folder of a Hub dataset in the Hub's cache, fetched where it is not there yet; its name is the commit.

    Raises:
        ValueError: not on the Hub, no access, or neither in the cache nor reachable.
    """
    if not is_hub_id(path):
        raise ValueError(f"{key}={path}: no such file; give JSON lines with instruction and output")
    from huggingface_hub import errors, snapshot_download

    try:
        return Path(snapshot_download(path, repo_type="dataset", revision=revision))
    except errors.GatedRepoError:
        page = f"https://huggingface.co/datasets/{path}"
        why = f"a gated dataset; ask for access at {page}, then run hf auth login or set HF_TOKEN"
    except errors.RepositoryNotFoundError:
        why = "no such file, folder or Hub dataset, or a private one, which needs hf auth login or HF_TOKEN"
    except errors.RevisionNotFoundError:
        raise ValueError(f"{OPTIONS[key]}.revision={revision}: {path} has no such branch, tag or commit") from None
    except errors.LocalEntryNotFoundError:
        at = f" --revision {revision}" if revision else ""
        why = (
            "no such file or folder, not (or not all of it) in the Hub's cache, and the Hub is out of reach; unset "
            f"HF_HUB_OFFLINE, or run hf download --repo-type dataset {path}{at} where there is a network"
        )
    except (errors.HfHubHTTPError, OSError) as error:
        why = f"could not be fetched ({str(error).splitlines()[0]}); try again"
    raise ValueError(f"{key}={path}: {why}")


def is_hub_id(path: str) -> bool:
    """Whether a path that is not there reads as `owner/dataset` on the Hub."""
    return bool(HUB_ID.fullmatch(path)) and not path.lower().endswith(FILES)


def is_here(path: str, dataset: DatasetConfig) -> bool:
    """Whether a source lies on this machine, or on the Hub at a commit, for which `pinned` has fetched it."""
    return Path(path).exists() or (is_hub_id(path) and COMMIT.fullmatch(dataset.revision or "") is not None)


def pinned(config: StageConfig) -> StageConfig:
    """A config whose Hub datasets stand at a commit, so that every rank and every later session reads the same.

    Raises:
        ValueError: the pairs it reads are neither here nor to be had; said before any work.
    """
    match config:
        case TrainConfig() if config.data.seed_path is not None:
            dataset = at_commit(config.data.seed_path, config.data.dataset, "data.seed_path")
            return replace(config, data=replace(config.data, dataset=dataset))
        case EvaluateConfig():
            return replace(config, heldout_dataset=at_commit(config.heldout, config.heldout_dataset, "heldout"))
        case GateConfig():
            dataset = at_commit(config.gate.path, config.gate.dataset, "gate.path")
            return replace(config, gate=replace(config.gate, dataset=dataset))
    return config


def at_commit(path: str, dataset: DatasetConfig, key: str) -> DatasetConfig:
    """The options with the commit that their revision stands for now; unchanged for what lies on this machine."""
    if is_here(path, dataset):
        return dataset
    return replace(dataset, revision=snapshot(path, dataset.revision, key).name)
