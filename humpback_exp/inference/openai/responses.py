"""What is read from a chat answer: text with how it ended, and probabilities of choices; what cannot be meant is refused."""

import math
import re
from collections.abc import Sequence
from typing import Any

from humpback_exp.completions import BROKEN, FILTERED, LENGTH, REFUSED, STOP
from humpback_exp.curation.parsing import ROUNDING
from humpback_exp.inference.openai.errors import EndpointError, interrupted, not_supported
from humpback_exp.inference.openai.request import tokens_used
from humpback_exp.turn_marks import SURROGATE

CUT = frozenset(
    "length limit maxtokens maxnewtokens maxlength modellength tokenlimit errorlimit repetition "
    "maxoutputtokens maxcompletiontokens modelcontextwindowexceeded maxpredictedtokensreached "
    "contextlengthreached".split()
)
FILTERS = frozenset(
    "contentfilter contentfiltered safety imagesafety recitation prohibitedcontent blocklist spii refusal "
    "sensitive blacklist guardrailintervened errortoxic".split()
)
UNSAID = ("", "null", "none")
ENDED = frozenset(
    "stop eos eostoken eosfound endid endoftext stoptoken stopsequence stopwords stopstringfound word endturn "
    "finish finished complete completed toolcalls tooluse functioncall".split()
)
"""How endpoints say that an answer was cut, withheld, or is whole, as small letters alone; nothing said counts as whole."""
THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
"""Fields of a message in which endpoints tell thinking beside the answer."""


def read_completion(answer: Any, limit: int) -> list[Any]:
    """Text, tokens and finish of a chat answer, in the order of `Completion`.

    Args:
        limit: tokens asked for at most: an endpoint that does not say how an answer ended has cut it where it is so long.

    Raises:
        EndpointError: the endpoint broke the answer off.
        LookupError, TypeError, AttributeError, ValueError: it is no chat answer.
    """
    choice = answer["choices"][0]
    message = choice["message"]
    if choice.get("error"):  # what came before it is told as a whole answer by some
        raise interrupted(f"{choice['error']}")
    # some leave the content out where the limit was reached in thinking, but then say how the answer ended
    text, thinking = _texts(message.get("content") if choice.get("finish_reason") else message["content"])
    thinking = thinking or next((str(message[name]) for name in THOUGHTS if message.get(name)), "")
    tokens = tokens_used(answer, "completion_tokens")
    finish = _finish(choice.get("finish_reason"), cut=tokens >= limit)
    if not text and message.get("refusal"):
        text, finish = str(message["refusal"]), REFUSED
    elif not text and thinking:
        text = f"<think>{thinking}"
    if SURROGATE.search(text):
        text, finish = SURROGATE.sub("\ufffd", text), BROKEN
    return [text.strip(), tokens, finish]


def _finish(said: Any, cut: bool) -> str:
    word = str((said.get("type") if isinstance(said, dict) else said) or "")
    # as in `content_filter: SAFETY`, `FinishReason.STOP`, `maxPredictedTokensReached`
    reason = re.sub(r"[^a-z]", "", word.partition(":")[0].rpartition(".")[2].lower()).removeprefix("finishreason")
    if reason in CUT or (reason in UNSAID and cut):
        return LENGTH
    if reason in FILTERS:
        return FILTERED
    if reason not in ENDED.union(UNSAID) or (word and not reason):
        raise interrupted(word)
    return STOP


def _texts(content: Any) -> tuple[str, str]:
    """Text and thinking of a message's content: a string, None, or parts of either kind."""
    if content is None or isinstance(content, str):
        return content or "", ""
    parts: dict[bool, list[str]] = {True: [], False: []}
    for part in content:
        kind = part.get("type", "text")
        if "text" in kind:
            parts[True].append(part["text"])
        elif "think" in kind or "reason" in kind:
            parts[False].append(str(part.get("thinking") or part.get("text") or part))
    return "".join(parts[True]), "".join(parts[False])


def read_choices(answer: Any, choices: Sequence[str]) -> list[float]:
    """The probability of each choice among the most likely first tokens; 0 where it is not among them.

    A choice with a space before it is another token, and their probabilities are summed; one token listed twice counts once.

    Raises:
        ValueError: probabilities that are none.
        EndpointError: there are no log-probabilities.
    """
    choice = answer["choices"][0]
    logprobs = choice.get("logprobs")
    if not logprobs or "content" not in logprobs:
        raise not_supported("no log-probabilities")
    if not logprobs["content"] and not choice["message"].get("content"):
        return [0.0] * len(choices)  # nothing was written
    if not logprobs["content"] or not logprobs["content"][0].get("top_logprobs"):
        remedy = "ask the endpoint itself; what stands between leaves them out"
        raise EndpointError("tells no log-probabilities of what it wrote", remedy, row=True)
    listed = {entry["token"]: probability(entry["logprob"]) for entry in logprobs["content"][0]["top_logprobs"]}
    if sum(listed.values()) > 1 + ROUNDING:
        raise ValueError("the probabilities of tokens sum to more than 1")
    return [sum(p for token, p in listed.items() if token.strip() == choice) for choice in choices]


def probability(logprob: float) -> float:
    """Of a log-probability as an endpoint tells it.

    Raises:
        ValueError: it is none.
    """
    if not logprob <= ROUNDING:
        raise ValueError(f"{logprob} is no log-probability")
    return min(1.0, math.exp(logprob))
