"""A model folder or Hub id -> model and tokenizer, with errors that say what to do."""

import logging
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from humpback_exp.prompts import TEMPLATES

Model = Any
Tokenizer = Any


def load_tokenizer(path: str, template: str | None = None, key: str = "model.path") -> Tokenizer:
    """The tokenizer at `path`, rendering with our `template`, or with the folder's own when None.

    A tokenizer without a pad token pads with its end token; labels are masked by position, so that is harmless.
    """
    tokenizer = _from(path, key, AutoTokenizer.from_pretrained)
    if template is not None:
        if template not in TEMPLATES:
            raise ValueError(f"model.template={template}: must be one of {', '.join(TEMPLATES)}")
        tokenizer.chat_template = TEMPLATES[template]
    if tokenizer.chat_template is None:
        raise ValueError(f"{key}={path}: its tokenizer has no chat template; export one with it")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(path: str, dtype: str, key: str = "model.path", **options: Any) -> Model:
    """The causal LM at `path` in `dtype`, in evaluation mode, its own safetensors weights only."""
    model = _from(
        path, key, AutoModelForCausalLM.from_pretrained, dtype=getattr(torch, dtype), use_safetensors=True, **options
    )
    return model.eval()


def _from(path: str, key: str, loader: Any, **options: Any) -> Any:
    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    if Path(path).is_dir() and not (Path(path) / "config.json").exists():
        raise ValueError(f"{key}={path}: holds no config.json; give a finished Hugging Face model folder")
    if not Path(path).is_dir() and path.count("/") != 1:
        raise ValueError(f"{key}={path}: no such folder; train the model first, or give a Hub id such as org/name")
    try:
        return loader(path, **options)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        remedy = "damaged or incomplete" if Path(path).is_dir() else "no such folder, and not found on the Hub"
        made_here = "; `make models` makes it" if path.startswith("models/") else ""
        raise ValueError(f"{key}={path}: {remedy} ({reason}){made_here}") from None
