"""Whether what comes from outside can be had: pages, the base model, the human pairs, the judge, W&B."""

import logging
import netrc
import os
from collections.abc import Sequence
from pathlib import Path

from humpback_exp.config import PipelineConfig, StageConfig, TrackingConfig
from humpback_exp.diagnosis.finding import BROKEN, DOUBTFUL, Finding, finding
from humpback_exp.planning.input_check import check_judges

SECONDS = 5.0
"""How long the Hub may take to answer."""
HUB = "set HF_TOKEN and accept the model's terms on its page, or give a folder"
REMEDIES = {
    "corpus.path": "give the folder of your pages",
    "model.path": "give a model folder or a Hub id",
    "judge.path": "give the folder or Hub id of a strong model that took no part",
    "data.seed_path": "give a file, folder or Hub id of human pairs",
    "heldout": "give pairs that no model was trained on; examples/heldout.jsonl holds forty",
}


def check_access(config: PipelineConfig, loop: Sequence[StageConfig]) -> list[Finding]:
    """The pages, the models and pairs of a loop, whether its judge took no part, and W&B where runs are to be sent there."""
    models = {"model.path": config.model.path, "judge.path": config.judge.path}
    pairs = {"data.seed_path": config.data.seed_path, "heldout": config.heldout}
    return [
        check_path("corpus.path", config.corpus.path),
        *(check_path(key, path, "model") for key, path in models.items() if path),
        *check_judge(loop),
        *(check_path(key, path, "dataset") for key, path in pairs.items() if path),
        check_wandb(config.tracking),
    ]


def check_judge(loop: Sequence[StageConfig]) -> list[Finding]:
    """A finding where the judge is one of the two models that it compares; none otherwise."""
    try:
        check_judges(loop)
    except ValueError as error:
        found, _, remedy = str(error).partition("; ")
        return [Finding("judge", found, BROKEN, remedy)]
    return []


def check_path(key: str, path: str, kind: str | None = None) -> Finding:
    """A file or folder that is there, or a Hub id of this kind, where there is one, that answers."""
    name = f"{key}={path}"
    if Path(path).exists():
        return Finding(name, "is there")
    if kind is None or path.count("/") != 1:
        return Finding(name, "no such file or folder", BROKEN, REMEDIES[key])
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return Finding(name, "on the Hub, not asked: HF_HUB_OFFLINE=1", DOUBTFUL, "unset it, or give a folder")
    return ask_hub(name, path, kind)


def ask_hub(name: str, path: str, kind: str) -> Finding:
    """Whether the Hub lets this user read it: a small file is fetched as loading would fetch it."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it warns of every retry
    file = "config.json" if kind == "model" else "README.md"
    try:
        hf_hub_download(path, file, repo_type=kind, etag_timeout=SECONDS)
    except LocalEntryNotFoundError:
        return Finding(name, "the Hub cannot be reached", BROKEN, "connect this node to it, or give a folder")
    except EntryNotFoundError:
        return Finding(name, f"on the Hub, readable, without {file}")
    except (HfHubHTTPError, OSError) as error:
        return Finding(name, f"the Hub refuses it ({str(error).splitlines()[0]})", BROKEN, HUB)
    return Finding(name, "on the Hub, readable")


def check_wandb(tracking: TrackingConfig) -> Finding:
    """A key is needed only where runs are sent while they run."""
    if tracking.mode != "online":
        return Finding("W&B", f"tracking={tracking.mode}, no key needed")
    remedy = "export WANDB_API_KEY, or use tracking=offline and wandb sync later"
    return finding("W&B", "key found" if has_key() else "no key", has_key(), remedy)


def has_key() -> bool:
    """Whether the environment or ~/.netrc holds a key; it is neither read further nor shown."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (FileNotFoundError, netrc.NetrcParseError):
        return False
