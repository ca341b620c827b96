"""Datasets on the Hugging Face Hub: which paths name one, and its files at one commit.

A dataset is fetched into the Hub's cache and read from there, like any folder: what was fetched once is found again without a
network.
"""

import re
from pathlib import Path

from humpback_exp.config import CorpusConfig
from humpback_exp.data.datasets_library import brief

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
OPTIONS = {"data.seed_path": "data.dataset", "heldout": "heldout_dataset", "gate.path": "gate.dataset"}
"""Config key of a path -> that of the options beside it."""
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".lz4": "lz4"}
FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", *COMPRESSED)
"""Ends of names of files, which are no ids on the Hub."""


def is_hub_id(path: str) -> bool:
    """Whether a path that is not there reads as `owner/dataset` on the Hub."""
    return bool(HUB_ID.fullmatch(path)) and not path.lower().endswith(FILES)


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
