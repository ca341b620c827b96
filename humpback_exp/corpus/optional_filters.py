"""Filters that the paper does not have, off by default: blocked addresses, overlap with evaluation prompts, masked addresses
of people and machines. Called by chunks, in the workers.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from humpback_exp import reasons
from humpback_exp.config import CorpusConfig
from humpback_exp.word_runs import LENGTH, KnownRuns, length_of, runs

if TYPE_CHECKING:
    from datatrove.pipeline.formatters.pii import PIIFormatter

SHORTEST = 8
"""Words of a prompt that is looked for as a whole; a shorter one is found anywhere by chance (arXiv 2005.14165, appendix C)."""
EMAIL, IP = "email@example.com", "192.0.2.1"
"""What stands for an address, of those that are kept for examples (RFC 2606, RFC 5737)."""


class OptionalFilters:
    """The filters that a config asks for; made once a worker."""

    def __init__(self, config: CorpusConfig, prompts: Iterable[str] = ()) -> None:
        """
        Args:
            prompts: of evaluations, which no segment may share thirteen words in a row with.

        Raises:
            ValueError: the list of blocked addresses cannot be read.
        """
        self.blocked = _lines(config.blocked_urls) if config.blocked_urls else set()
        self.prompts = KnownRuns()
        for prompt in prompts:
            length = min(LENGTH, length_of(prompt))
            if length >= SHORTEST:
                self.prompts.add(runs(prompt, length), length)
        self.masks = config.mask_pii

    def blocks(self, url: str) -> bool:
        """Whether an address, its host or a domain above that is on the list."""
        if not self.blocked or "://" not in url:
            return False
        try:
            address = urlsplit(url)
            host = address.hostname or ""
        except ValueError:
            return False
        parts = host.split(".")
        domains = {".".join(parts[at:]) for at in range(len(parts))}
        return not self.blocked.isdisjoint({*domains, url, (host + address.path).rstrip("/")})

    def reason(self, text: str) -> str | None:
        """Why a segment that passed the paper's filters is dropped."""
        return reasons.OVERLAPS_PROMPT if self.prompts.stand_in(text) else None

    def masked(self, text: str) -> str:
        """The text with other mail and public IP addresses in place of those in it; as it is where that is not asked for."""
        return self._formatter.format(text) if self.masks else text

    @cached_property
    def _formatter(self) -> "PIIFormatter":
        from datatrove.pipeline.formatters.pii import PIIFormatter

        return PIIFormatter(email_replacement=EMAIL, ip_replacement=IP)


def _lines(path: str) -> set[str]:
    """A domain, host, or host with path a line; empty lines and those that begin with # say nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            found = {line.strip().removeprefix("www.").rstrip("/") for line in file if not line.startswith("#")}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"corpus.blocked_urls={path}: cannot be read ({error}); give a domain or address a line"
        ) from None
    return found - {""}
