"""The key of an endpoint, read from the environment and nowhere else."""

import os
import re

from humpback_exp.config.inference import EngineConfig

KEY = r"[!#-&(-\[\]-~]*"
"""Printable ASCII without blanks, quotes and backslashes: what a header takes, and what reads the same wherever it is quoted,
so that it is found and taken out of any message."""


def endpoint_key(config: EngineConfig) -> str:
    """The endpoint's key, empty where it asks for none.

    Raises:
        ValueError: the environment lacks it, or no header can hold it.
    """
    key = os.environ.get(config.key_variable, "").strip() if config.key_variable else ""
    if config.key_variable and not key:
        raise ValueError(
            f"engine.key_variable={config.key_variable}: not set in the environment; "
            f"export it, or set engine.key_variable=null for an endpoint that asks for no key"
        )
    if not re.fullmatch(KEY, key):
        raise ValueError(
            f"engine.key_variable={config.key_variable}: holds blanks, quotes, backslashes or other than ASCII; "
            f"export the key alone"
        )
    return key
