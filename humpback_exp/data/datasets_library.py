"""The `datasets` library, quiet and without torch, and what it raises."""

import logging
from functools import cache
from textwrap import shorten
from typing import Any

from yaml import YAMLError

ODD_CARD = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError, YAMLError)
"""What `datasets` raises on a dataset's card, which comes from outside and may hold anything."""


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


def brief(error: Exception) -> str:
    """What an error says, in one line."""
    return shorten(str(error) or type(error).__name__, 200)
