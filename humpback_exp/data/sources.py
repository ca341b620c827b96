"""Where human pairs lie: a file, a folder laid out like a dataset, or a dataset on the Hugging Face Hub, as a list of files.

A Hub dataset is fetched into the Hub's cache at one commit and read from there, like any folder: what was fetched once is
found again without a network.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from humpback_exp.config import CorpusConfig, DatasetConfig
from humpback_exp.config.bounds import require
from humpback_exp.data.datasets_library import ODD_CARD, brief, library

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
SETS = ("heldout_sets.", "sensitive", "corpus.decontaminate.", "corpus.quality_seed")
"""How the keys of sets begin that have no options beside them; they are files or folders."""
OPTIONS = {"data.seed_path": "data.dataset", "heldout": "heldout_dataset", "gate.path": "gate.dataset"}
"""Config key of a path -> that of the options beside it."""
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".lz4": "lz4"}
FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", *COMPRESSED)
"""Ends of names of files, which are no ids on the Hub."""


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
    # Path("") would be here
    require(path != "", key, "''", "names nothing; give JSON lines with instruction and output")
    options, here = OPTIONS.get(key, key), Path(path).exists()
    require(not here or dataset.revision is None, f"{options}.revision", dataset.revision, f"{path} is not on the Hub")
    if Path(path).is_file():
        require(dataset.name is None, f"{options}.name", dataset.name, f"{path} is a file, which has no configurations")
        return Files([path], None)
    folder = Path(path) if Path(path).is_dir() else snapshot(path, dataset.revision, key)
    try:
        splits = read_splits(folder, dataset.name)
    except ODD_CARD as error:
        raise ValueError(f"{key}={path}: no dataset ({brief(error)}); {options}.name={dataset.name}") from None
    wanted = dataset.split.split("+")
    for split in wanted:
        if split not in splits:
            raise ValueError(f"{options}.split={dataset.split}: {path} has no {split}, but {', '.join(splits)}")
    rows = [splits[split].rows for split in wanted]
    return Files(
        [inside(folder, file, key) for split in wanted for file in splits[split].paths],
        sum(count for count in rows if count) if all(rows) else None,
    )


def read_splits(folder: Path, name: str | None) -> dict[str, Files]:
    """The splits of a dataset folder, by its card or the names of its files.

    Args:
        name: of the configuration; None is the default one.
    """
    with TemporaryDirectory() as scratch:  # for the lock file that the library leaves of all that it opens
        builder = library().load_dataset_builder(str(folder), name=name, cache_dir=scratch)
    rows = {split: int(info.num_examples or 0) or None for split, info in (builder.info.splits or {}).items()}
    return {
        str(split): Files([str(file) for file in files], rows.get(str(split)))
        for split, files in builder.config.data_files.items()
    }


def streamed(corpus: CorpusConfig) -> list[str]:
    """Where the files of a dataset lie that is read as a corpus: on the Hub, at one commit, or in a folder.

    Raises:
        ValueError: no such dataset, configuration or split, or no access.
    """
    wanted = corpus.dataset
    try:
        with TemporaryDirectory() as scratch:
            builder = library().load_dataset_builder(
                corpus.path, name=wanted.name, revision=wanted.revision, cache_dir=scratch
            )
    except (*ODD_CARD, ConnectionError) as error:
        raise ValueError(f"corpus.path={corpus.path}: no dataset to be had ({brief(error)})") from None
    splits, split = builder.config.data_files or {}, wanted.split or "train"
    if split not in splits:
        raise ValueError(
            f"corpus.dataset.split={split}: {corpus.path} has no {split}, but {', '.join(map(str, splits))}"
        )
    return [str(file) for file in splits[split]]


def is_hub_corpus(corpus: CorpusConfig) -> bool:
    """Whether the pages of a corpus lie in a dataset of the Hub."""
    return not Path(corpus.path).exists() and is_hub_id(corpus.path)


def commit_of(path: str, revision: str | None) -> str:
    """The commit that a revision of a Hub dataset stands for now; None stands for main.

    Raises:
        ValueError: no such dataset or revision, no access, or the Hub is out of reach.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi, errors

    try:
        return str(HfApi().dataset_info(path, revision=revision).sha)
    except errors.RevisionNotFoundError:
        raise ValueError(f"corpus.dataset.revision={revision}: {path} has no such branch, tag or commit") from None
    except (OSError, HTTPError) as error:
        raise ValueError(
            f"corpus.path={path}: no such file or folder here, and of a dataset on the Hub no commit is to be had "
            f"({brief(error)}); give a folder of pages, or corpus.dataset.revision=COMMIT"
        ) from None


def inside(folder: Path, file: str, key: str) -> str:
    """A file that a dataset's card names, which must lie in its folder: cards come from outside."""
    if not Path(os.path.normpath(file)).is_relative_to(folder.resolve()):
        raise ValueError(f"{key}={folder}: its card names {file}, which is not in it; mend data_files in README.md")
    return file


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
        why = f"could not be fetched ({brief(error)}); try again"
    raise ValueError(f"{key}={path}: {why}")


def is_hub_id(path: str) -> bool:
    """Whether a path that is not there reads as `owner/dataset` on the Hub."""
    return bool(HUB_ID.fullmatch(path)) and not path.lower().endswith(FILES)
