"""A model into vLLM: its settings, its silence, its refusals in our words."""

import logging
import os
import warnings
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.planning.context import longrope_context

SETTINGS = {
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
"""Environment that vLLM and torch read when they are imported, unless the user set it: quiet, no reports to vLLM's makers,
the scheduler in this process, where a kill leaves nothing behind and workers of a pool may run it."""

OUR_NAMES = {
    "`gpu_memory_utilization` (which also controls CPU memory on the CPU backend)": "engine.gpu_share (engine.cache_gib on a CPU)",
    "gpu_memory_utilization": "engine.gpu_share",
    "--kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE": "engine.cache_gib",
    "`max_model_len`": "engine.context",
    "max_model_len": "engine.context",
}
"""Settings in vLLM's messages -> the config keys that set them."""


def set_environment() -> None:
    """To be called before torch and vLLM are imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def load_vllm(config: EngineConfig, model_path: str, key: str) -> Any:
    """vLLM's `LLM` with the model in it.

    Raises:
        ValueError: vLLM refuses, in one line.
    """
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)  # which a CPU does without
    import vllm
    from vllm.platforms import current_platform

    from humpback_exp.modeling.load import text_config  # imports torch
    from humpback_exp.modeling.wrong_weights import require_one_set

    require_one_set(model_path, key)

    if current_platform.is_cpu() != (config.device == "cpu"):
        built = "CPUs; use engine.device=cpu" if current_platform.is_cpu() else "GPUs; use engine.device=cuda"
        raise ValueError(f"engine.device={config.device}: the vLLM installed here is built for {built}")
    memory: dict[str, Any] = {"gpu_memory_utilization": config.gpu_share}
    if config.device == "cpu":
        memory = {"kv_cache_memory_bytes": int(config.cache_gib * 2**30), "enforce_eager": True}
        # vLLM winds a row's random generator back after a part of its prompt, which a CPU's generator cannot do.
        memory["enable_chunked_prefill"] = False
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of torch, about vLLM's own code
            return vllm.LLM(
                model=model_path,
                skip_tokenizer_init=True,
                generation_config="vllm",  # nothing from the model's folder: sampling is what the config says
                dtype=config.dtype,
                max_model_len=config.context or longrope_context(text_config(model_path, key).to_dict()),
                max_num_seqs=config.batch_size,
                tensor_parallel_size=config.tensor_parallel or 1,
                # left to itself vLLM would use Ray inside a Ray worker, which has one bundle of all its GPUs
                distributed_executor_backend="mp" if (config.tensor_parallel or 1) > 1 else None,
                enable_prefix_caching=True,
                disable_log_stats=True,
                use_tqdm_on_load=False,
                **memory,
            )
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{key}={model_path}: vLLM cannot run it here: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first sentences of vLLM's message in one line, with our names for its settings."""
    text = " ".join(str(error).split())
    for theirs, ours in OUR_NAMES.items():
        text = text.replace(theirs, ours)
    return text[:300].rsplit(". ", 1)[0]
