"""Requests as one endpoint takes them: what it refuses is learnt from its first refusal, and sent otherwise from then on."""

from collections.abc import Callable
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.inference.openai.compatibility import Payload, Settings, adapt, adapted, load_settings, save_settings
from humpback_exp.inference.openai.errors import EndpointError, not_supported
from humpback_exp.inference.openai.request import request
from humpback_exp.progress import log


class LearningSender:
    """Sends payloads to the address in the config, by what was learnt of it, now or before."""

    def __init__(self, config: EngineConfig, model: str, key: str) -> None:
        self.config, self.model, self.key = config, model, key
        self.settings: Settings = load_settings(config, model)

    async def send(self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any]) -> tuple[Any, int]:
        """One answer; where a refusal names what can be sent otherwise, to that, and what is taken is sent from then on."""
        settings = self.settings
        while True:
            try:
                value = await request(client, path, adapted(payload, settings), read, self.config, self.model, self.key)
            except EndpointError as error:
                further = adapt(settings, payload, error.words) if error.words else None
                if further is None and "logprobs" in payload and "logprobs" in error.words:
                    raise not_supported(f"no log-probabilities ({error.reason})") from None
                if further is None:
                    raise
                settings = further
                continue
            if settings.items() - self.settings.items():
                self.settings = self.settings | settings
                save_settings(self.config, self.model, self.settings)
                log.info("endpoint: sent from now on: %s", self.settings)
            return value
