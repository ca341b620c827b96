"""The model as lm-eval asks it: through its own HFLM, so that its digits come out, with prompts in our rendering."""

from typing import Any

from humpback_exp.config import EvaluateConfig
from humpback_exp.config.bounds import require
from humpback_exp.data.tokenize import rendered
from humpback_exp.prompts import TEMPLATES, tag


def load_lm(config: EvaluateConfig) -> Any:
    """lm-eval's HFLM of the model under evaluation.

    Its `chats` says whether questions are asked in a chat template; its `system` is then the sentence of the tags, else None:
    lm-eval would glue it to the question.

    Raises:
        ValueError: a chat template is asked for, and the model has none.
    """
    from lm_eval.models.huggingface import HFLM

    class TaggedLM(HFLM):
        """HFLM, with questions in our rendering: a template that refuses a system turn gets the tag in the user's."""

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            if add_generation_prompt:
                return rendered(self.tokenizer, chat_history)
            return str(super().apply_chat_template(chat_history, add_generation_prompt))

    engine, wanted = config.engine, config.benchmarks.chat_template
    where = {"device": engine.device, "dtype": engine.dtype, "batch_size": engine.batch_size}
    lm = TaggedLM(pretrained=config.model_path, **where)
    if config.template is not None:
        lm.tokenizer.chat_template = TEMPLATES[config.template]
    has = lm.tokenizer.chat_template is not None
    bound = f"{config.model_path} has no chat template; set template= or leave this null"
    require(has or not wanted, "benchmarks.chat_template", wanted, bound)
    lm.chats = has if wanted is None else wanted
    lm.system = tag(config.tags)[0]["content"] if lm.chats and config.tags else None
    return lm
