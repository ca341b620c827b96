"""Where human pairs lie: a file, a folder laid out like a dataset, or a dataset on the Hugging Face Hub, as a list of files."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from humpback_exp.config import CorpusConfig, DatasetConfig
from humpback_exp.config.bounds import require
from humpback_exp.data.datasets_library import ODD_CARD, brief, library
from humpback_exp.data.hub import OPTIONS, snapshot

SETS = ("heldout_sets.", "sensitive", "corpus.decontaminate.", "corpus.quality_seed")
"""How the keys of sets begin that have no options beside them; they are files or folders."""


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


def inside(folder: Path, file: str, key: str) -> str:
    """A file that a dataset's card names, which must lie in its folder: cards come from outside."""
    if not Path(os.path.normpath(file)).is_relative_to(folder.resolve()):
        raise ValueError(f"{key}={folder}: its card names {file}, which is not in it; mend data_files in README.md")
    return file
