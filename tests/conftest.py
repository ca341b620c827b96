"""What tests share: a byte-level tokenizer with ids one can write down, the tiny model, the commands, one smoke loop."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import Warm

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
os.environ.pop("HYDRA_FULL_ERROR", None)
WARM = Warm()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, those with the longest limits before all: no worker is left with one at the end."""
    weights: dict[Path, tuple[float, int]] = {}
    for item in items:
        limit, slow = weights.get(item.path, (0.0, 0))
        own = item.get_closest_marker("timeout")
        weights[item.path] = max(limit, own.args[0] if own else 0.0), slow + bool(item.get_closest_marker("slow"))
    items.sort(key=lambda item: weights[item.path], reverse=True)


def pytest_sessionfinish() -> None:
    WARM.close()


def listens() -> None:
    """For a child that is to be interrupted: a shell that starts the tests with `&` has SIGINT ignored in all of them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(*arguments: object, limit: float = 500, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command of the project, as a user types it, from the repository's root, in a fork of a process that has imported it.

    What is no command of ours, and what the Hub's client, which reads its variables on import, is to find, has an interpreter
    of its own, for `limit` seconds.
    """
    words, whole = [str(word) for word in arguments], os.environ | environment
    script = words[0].endswith(".py") and not Path(words[0]).is_absolute()
    ours = script or (words[0] == "-m" and words[1].startswith("humpback_exp."))
    if ours and not any(name.startswith("HF_") for name in environment):
        return WARM.run(words, whole)
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=whole, timeout=limit)


def one_line_error(result: "subprocess.CompletedProcess[str]") -> str:
    """The single line a user's mistake ends with; fails unless the status is 2 and no traceback is shown."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 2, result.stderr
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    return lines[0].removeprefix("error: ")


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slurm whose nodes are processes; the folder of its state."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "state").mkdir()
    for name in ("sbatch", "squeue", "scancel", "scontrol", "srun", "sacct"):
        tool = tmp_path / "bin" / name
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/fake_slurm.py {name} "$@"\n')
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", f"{tmp_path}/state")
    return tmp_path / "state"


@pytest.fixture(scope="session")
def byte_tokenizer():
    """Ids are bytes in the order of the byte-level alphabet, after <s>=0 and </s>=1: 'A' is 34, 'a' is 66, ' ' is 222."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from humpback_exp.prompts import TEMPLATES

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=TEMPLATES["inst"]
    )


@pytest.fixture(scope="session")
def tiny() -> str:
    """The folder of the tiny model, made on first use. Who asks for it runs models, so commands start with torch imported."""
    WARM.ask(load=True)
    folder = ROOT / "models" / "tiny"
    result = run("-m", "humpback_exp.modeling.demo_models", "tiny", folder)
    assert result.returncode == 0, result.stderr
    return str(folder)


@pytest.fixture(scope="session")
def smoke(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output root of one whole, unbroken loop with the tiny model; tests only read it."""
    root = tmp_path_factory.mktemp("smoke") / "outputs"
    result = run("pipeline.py", "experiment=smoke", f"output_root={root}")
    assert result.returncode == 0, result.stderr
    return root


@pytest.fixture(scope="session")
def varied(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random Llama whose greedy answers differ from prompt to prompt, which those of the tiny model, made of small numbers
    and with its embeddings tied, do not; its heads are wide enough for vLLM's kernels."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from humpback_exp.modeling.load import load_tokenizer

    folder = tmp_path_factory.mktemp("varied")
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=1024, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=32, max_position_embeddings=512, tie_word_embeddings=False,
        initializer_range=0.5, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(folder)
    load_tokenizer(tiny).save_pretrained(folder)
    return str(folder)
