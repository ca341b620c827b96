"""A model folder or Hub id -> model and tokenizer, with errors that say what to do."""

import logging
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import GatedRepoError, StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from humpback_exp.modeling.template import require_template
from humpback_exp.modeling.wrong_weights import ADAPTER, WrongWeights, require_one_set, wrong_weights
from humpback_exp.planning.context import context_of, longrope_context
from humpback_exp.prompts import TEMPLATES

Model = Any
Tokenizer = Any
SHOWN = 200
"""Characters of another library's message that are shown."""
FOREIGN = (ArithmeticError, AttributeError, ImportError, LookupError, StrictDataclassError, TypeError, ValueError)
"""What transformers raises on values in a folder's files that it did not think of."""


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
    if tokenizer.eos_token_id is None:
        raise ValueError(f"{key}={path}: its tokenizer has no end token; set eos_token in tokenizer_config.json")
    require_embeddings(tokenizer, path, key)
    require_template(tokenizer, path, key)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def require_embeddings(tokenizer: Tokenizer, path: str, key: str) -> None:
    """Raise unless the model at `path` has an embedding for every token that its tokenizer may give."""
    rows, last = text_config(path, key).vocab_size, max(possible_ids(tokenizer))
    if last >= rows:
        raise ValueError(
            f"{key}={path}: its tokenizer gives ids up to {last}, its model has embeddings for {rows} tokens; "
            "resize the embeddings or take the tokenizer that belongs to the model"
        )


def possible_ids(tokenizer: Tokenizer) -> set[int]:
    """Ids that texts may hold: special tokens, which are cut out of texts, only where end, padding or template use them."""
    special = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    named = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}
    rendered = {i for i, text in special.items() if text in str(tokenizer.chat_template)}
    return set(tokenizer.get_vocab().values()) - special.keys() | named | rendered


def require_context(path: str, max_length: int) -> None:
    """Raise unless the model at `path` takes sequences as long as a training may make them."""
    held = text_config(path).to_dict()
    context = context_of(held)
    if context is not None and max_length > context:
        name = "max_position_embeddings" if "max_position_embeddings" in held else "n_positions"
        name = "original_max_position_embeddings of its longrope" if longrope_context(held) else name
        raise ValueError(f"data.max_length={max_length}: {path} takes {context} tokens ({name}); lower it to that")


def model_config(path: str, key: str = "model.path") -> Any:
    """The config of the model at `path`."""
    return _from(path, key, AutoConfig.from_pretrained)


def text_config(path: str, key: str = "model.path") -> Any:
    """The config of the language model at `path`."""
    return model_config(path, key).get_text_config()


def load_model(path: str, dtype: str, key: str = "model.path", **options: Any) -> Model:
    """The causal LM at `path` in `dtype`, in evaluation mode, its own safetensors weights only.

    Raises:
        WrongWeights: the folder has weights too few, too many, or of other shapes.
        ValueError: the folder is no model.
    """
    require_one_set(path, key)
    model, report = _from(
        path,
        key,
        AutoModelForCausalLM.from_pretrained,
        dtype=getattr(torch, dtype),
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # so that they are reported, which `wrong_weights` turns into an error
        **options,
    )
    if wrong := wrong_weights(report):
        raise WrongWeights(key, path, wrong)
    if getattr(model, "_hf_peft_config_loaded", False):  # of the Hub; a folder's was seen before
        raise ValueError(f"{key}={path}: {ADAPTER}")
    if "attn_implementation" not in options:
        model.set_attn_implementation(library_attention(model))
    return model.eval()


def library_attention(model: Model) -> str:
    """The library's own attention that computes what the model's authors did: its `sdpa` leaves soft caps out."""
    capped = getattr(model.config.get_text_config(), "attn_logit_softcapping", None)
    return "sdpa" if model._supports_sdpa and not capped else "eager"


def _from(path: str, key: str, loader: Any, **options: Any) -> Any:
    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it warns of every retry
    if Path(path).is_dir() and not (Path(path) / "config.json").exists():
        raise ValueError(f"{key}={path}: holds no config.json; give a finished Hugging Face model folder")
    if not Path(path).is_dir() and path.count("/") != 1:
        raise ValueError(f"{key}={path}: no such folder; train the model first, or give a Hub id such as org/name")
    try:
        return loader(path, **options)
    except FOREIGN as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:SHOWN]}"
        raise ValueError(
            f"{key}={path}: its config, tokenizer or weights are not what transformers takes ({reason})"
        ) from None
    except RuntimeError as error:  # how a partitioned load reports what another returns in its report
        wrong = next((line.strip() for line in str(error).splitlines() if "size mismatch" in line), None)
        if wrong is None:
            raise
        raise WrongWeights(key, path, wrong) from None
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        remedy = "damaged or incomplete" if Path(path).is_dir() else "no such folder, and not found on the Hub"
        if isinstance(error.__cause__, GatedRepoError):
            remedy = f"a gated model; ask for access at https://huggingface.co/{path}, then run hf auth login or set HF_TOKEN"
        made_here = "; `make models` makes it" if path.startswith("models/") else ""
        raise ValueError(f"{key}={path}: {remedy} ({reason}){made_here}") from None
