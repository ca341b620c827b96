"""Writing and scoring with LLaMA 7B in bf16: our engine beside `generate`, in turn, and vLLM where it is installed.

Requests of augmentation of about 300 tokens, 128 new ones each, equal sampling; random weights never end a text early, so that
all write the same number. `generate` pads its prompts on the left and runs at each of its batch sizes; the best counts.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
import yaml

from benchmarks.gpu.fits import tiny_model
from benchmarks.gpu.machine import hardware_here, synchronize
from benchmarks.gpu.random_llama import LLAMA, TINY, Size, make
from benchmarks.gpu.rows import GIB, Row, Setup, missing
from humpback_exp.config import EngineConfig, GenerationConfig, RubricConfig, settle
from humpback_exp.data.seed import load_seed
from humpback_exp.data.tokenize import prompt_ids
from humpback_exp.evaluation.scorers.expected import by_expectation
from humpback_exp.evaluation.scorers.likelihood import forward_gains
from humpback_exp.evaluation.scorers.models import Pair
from humpback_exp.inference.load import load_engine
from humpback_exp.inference.protocol import Engine, row_seed
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.planning.generation import Generation, Requests
from humpback_exp.planning.machine import USABLE
from humpback_exp.prompts import Conversation, backward

REQUESTS = {"cuda": 64, "cpu": 4}
NEW = {"cuda": 128, "cpu": 8}
CHARS = {"cuda": 480, "cpu": 60}
"""Of a segment: about 300 tokens with the request around it, by the tiny model's tokenizer."""
BATCHES = {"cuda": (64, 32), "cpu": (4, 2)}


def rows(setup: Setup) -> Iterator[Row]:
    size = TINY[0] if setup.tiny else next((size for size in LLAMA if fits(size)), None)
    if size is None:
        yield missing("generation", "7B in bf16", "too little memory is free for the smallest shape", passed=False)
        return
    path = make(size, setup.folder, tiny_model(setup.folder), setup.device)
    asked = [backward(text) for text in segments(setup)]
    yield from ours(setup, size, path, asked, "transformers")
    yield from generate(setup, size, path, asked)
    if find_spec("vllm") is None:
        yield missing("generation", "vLLM: new tokens/s", "not installed here")
    elif not setup.tiny:
        yield from ours(setup, size, path, asked, "vllm")


def fits(size: Size) -> bool:
    """Whether weights and a cache of all requests fit into what is free."""
    cache = REQUESTS["cuda"] * 2 * size.shape.cached_numbers * 1024
    return (2 * size.shape.parameters + cache) / GIB <= USABLE * torch.cuda.mem_get_info()[0] / GIB


def segments(setup: Setup) -> list[str]:
    """Texts of one length, cut from the answers of the seed pairs."""
    text = "\n".join(pair.output for pair in load_seed("examples/seed.jsonl"))
    width = CHARS[setup.device]
    return [text[width * i : width * (i + 1)] for i in range(REQUESTS[setup.device])]


def ours(setup: Setup, size: Size, path: str, asked: list[Conversation], name: str) -> Iterator[Row]:
    """New tokens a second, and pairs a second by both scorers that only read."""
    config = settle(EngineConfig(name=name, device=setup.device, batch_size=REQUESTS[setup.device]))
    engine = load_engine(config, path)
    sampling, seeds = GenerationConfig(max_new_tokens=NEW[setup.device]), [row_seed(0, i) for i in range(len(asked))]

    def write(count: int) -> int:
        done = engine.generate(asked[:count], sampling, seeds[:count], quiet)
        return sum(completion.tokens for completion in done)

    tokens, seconds = timed(setup, write, len(asked))
    label = f"{size.name}, engine=gpu" if name == "transformers" else f"{size.name}, engine=vllm"
    yield Row(
        "generation", f"{label}: new tokens/s", tokens / seconds, plan=planned_rate(setup, size, path, config, asked)
    )
    pairs = [("What is this about?", conversation[-1]["content"]) for conversation in asked]
    for scorer, rate in {"expected": expected, "likelihood": likelihood}.items():
        count, seconds = timed(setup, partial(rate, engine, pairs), len(pairs))
        yield Row("generation", f"{label}: scorer={scorer}, pairs/s", count / seconds)


def expected(engine: Engine, pairs: list[Pair], count: int) -> int:
    rubric = RubricConfig(**yaml.safe_load(Path("conf/rubric/five_point.yaml").read_text(encoding="utf-8")))
    return len(by_expectation(engine, rubric, pairs[:count], True, quiet))


def likelihood(engine: Engine, pairs: list[Pair], count: int) -> int:
    return len(forward_gains(engine, pairs[:count], True, quiet))


def generate(setup: Setup, size: Size, path: str, asked: list[Conversation]) -> Iterator[Row]:
    """transformers' own loop over batches of prompts of like length, padded on the left."""
    tokenizer, model = load_tokenizer(path), load_model(path, "bfloat16").to(setup.device)
    prompts = sorted((prompt_ids(tokenizer, conversation) for conversation in asked), key=len, reverse=True)
    new = NEW[setup.device]

    def write(batch_size: int, count: int) -> int:
        written = 0
        for start in range(0, count, batch_size):
            batch = tokenizer.pad(
                {"input_ids": prompts[start : start + batch_size]}, padding_side="left", return_tensors="pt"
            )
            out = model.generate(
                **batch.to(setup.device), do_sample=True, temperature=0.7, top_p=0.9, top_k=0, max_new_tokens=new
            )
            written += out[:, batch["input_ids"].shape[1] :].numel()
        return written

    for batch_size in BATCHES[setup.device]:
        tokens, seconds = timed(setup, partial(write, batch_size), len(prompts))
        yield Row("generation", f"{size.name}, generate in batches of {batch_size}: new tokens/s", tokens / seconds)


def timed(setup: Setup, work: Callable[[int], int], count: int) -> tuple[int, float]:
    """What `work(count)` returns and the seconds it took, after a first call for two."""
    work(2)
    synchronize(torch.device(setup.device))
    started = time.perf_counter()
    done = work(count)
    synchronize(torch.device(setup.device))
    return done, time.perf_counter() - started


def planned_rate(setup: Setup, size: Size, path: str, config: EngineConfig, asked: list[Conversation]) -> float | None:
    """The planner's new tokens a second, None for a GPU it does not know."""
    hardware, tokenizer = hardware_here(setup), load_tokenizer(path)
    lengths = [len(prompt_ids(tokenizer, conversation)) for conversation in asked]
    requests = Requests(len(asked), statistics.mean(lengths), max(lengths), NEW[setup.device])
    work = Generation("augment", size.shape, config, (requests,))
    return len(asked) * NEW[setup.device] / work.seconds(hardware) if hardware else None


def quiet(rows: int, tokens: int) -> None:
    pass
