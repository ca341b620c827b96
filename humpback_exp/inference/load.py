"""The engine that a config names."""

from humpback_exp.config import EngineConfig
from humpback_exp.inference.protocol import Engine
from humpback_exp.planning.engine_check import check_engine


def load_engine(config: EngineConfig, model_path: str, key: str = "model_path", template: str | None = None) -> Engine:
    """The engine that `config.name` names, with the model loaded or its endpoint ready.

    Args:
        key: the config key of `model_path`, for errors.
        template: as for `load_tokenizer`; an endpoint renders with its own.

    Raises:
        ValueError: a package, GPU, key or model is missing.
    """
    check_engine(config)
    if config.name == "vllm":
        from humpback_exp.inference.vllm.engine import VllmEngine

        return VllmEngine(config, model_path, key, template)
    if config.name == "openai":
        from humpback_exp.inference.openai.engine import OpenAIEngine

        return OpenAIEngine(config, model_path)
    from humpback_exp.inference.transformers.engine import TransformersEngine

    return TransformersEngine(config, model_path, key, template)


def endpoint_record(config: EngineConfig, *model_paths: str | None) -> dict[str, dict[str, str | int]]:
    """For a manifest's metrics: what an endpoint was sent otherwise than asked for, since it refused that; else nothing."""
    if config.name != "openai":
        return {}
    from humpback_exp.inference.openai.compatibility import Settings, load_settings

    settings: Settings = {}
    for path in filter(None, model_paths):
        settings |= load_settings(config, config.model or path)
    return {"endpoint": settings} if settings else {}
