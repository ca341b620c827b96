"""Whether a model's own chat template says what a user says: one that is empty or fails would train without any question."""

from jinja2 import TemplateError

from humpback_exp.data.tokenize import Tokenizer, rendered
from humpback_exp.turn_marks import SENTINELS

FAILS = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a template raises, which is code from outside."""


def require_template(tokenizer: Tokenizer, path: str, key: str) -> None:
    """Raise the ValueError of a chat template that cannot render a question, or leaves it out or changes it.

    Args:
        path: of the model, for the message.
        key: its config key.
    """
    try:
        text = rendered(tokenizer, [{"role": "user", "content": SENTINELS[0]}])
    except FAILS as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(f"{key}={path}: its chat template fails ({reason}); mend chat_template.jinja") from None
    if SENTINELS[0] not in text:
        raise ValueError(f"{key}={path}: its chat template leaves out what the user says; mend chat_template.jinja")
