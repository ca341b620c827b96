"""What augmentation, curation and evaluation ask of a model, whichever program runs it."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from humpback_exp.completions import LENGTH, STOP, Completion, thinks
from humpback_exp.config import GenerationConfig
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation


def completion(tokenizer: Any, ids: list[int]) -> Completion:
    """What was written, from its token ids up to and with the end token, if it came.

    Special tokens are left out, unless they mark thinking that could not be told from the answer without them.
    """
    finish = STOP if ids and ids[-1] == tokenizer.eos_token_id else LENGTH
    text = tokenizer.decode(ids, skip_special_tokens=True)
    if not thinks(text):
        whole = tokenizer.decode(ids, skip_special_tokens=False)
        text = whole.removesuffix(tokenizer.eos_token) if thinks(whole) else text
    return Completion(text.strip(), len(ids), finish)


class Engine(Protocol):
    """Rows come back in the order given, and each depends on its own seed, not on its neighbours'."""

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        """One completion a conversation."""
        ...

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """Summed negative log-likelihood in nats of each target and its end token, and the number of those tokens.

        A target that cannot fit the context counts (nan, 0); one that the model, or an endpoint, gives no number for has nan
        and its tokens.
        """
        ...

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        """Probability of each choice as the next text, one list a conversation; one prefill, nothing is written.

        Not normalised: what is missing to 1 is the probability that the model writes something else.

        Args:
            assistant_prefix: what the model's turn is taken to begin with, such as `Score:`; a choice follows it, with a space
                between or without one.

        A conversation that cannot fit the context has nan for every choice; one for which the model gives no numbers, or that an
        endpoint does not answer, has 0.
        """
        ...


def row_seed(seed: int, *parts: object) -> int:
    """A 64-bit seed for one row, the same wherever and whenever the row is done."""
    digest = hashlib.sha256(":".join(map(str, (seed, *parts))).encode()).digest()
    return int.from_bytes(digest[:8], "big")
