"""With this folder on PYTHONPATH every process augments by an engine without a model: the stage and its workers are real.

ECHO_SECONDS: how long a row takes. ECHO_FAILS: an instruction that contains it raises. ECHO_LOG: a folder in which each
process leaves a file when it loads the engine.
"""

import hashlib
import os
import time
from pathlib import Path

from humpback_exp.completions import Completion
from humpback_exp.stages import augment


class Echo:
    """Writes a digest of what it was asked, so that a row in the wrong place would show."""

    def generate(self, conversations, sampling, seeds, advance):
        return [
            self.answer(conversation, seed, advance) for conversation, seed in zip(conversations, seeds, strict=True)
        ]

    def answer(self, conversation, seed, advance):
        time.sleep(float(os.environ.get("ECHO_SECONDS", 0)))
        if os.environ.get("ECHO_FAILS", "\0") in str(conversation):
            raise ValueError("the endpoint is down")
        digest = hashlib.sha256(f"{conversation}{seed}".encode()).hexdigest()
        advance(1, 7)
        return Completion(f"Explain at length what {digest} stands for and why.", 7, "stop")


def load(*_):
    if "ECHO_LOG" in os.environ:
        Path(os.environ["ECHO_LOG"], str(os.getpid())).touch()
    return Echo()


augment.load_engine = load
