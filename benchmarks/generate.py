"""Speed of writing instructions: our transformers engine against transformers' own `generate`, and vLLM with and without us.

    python segment.py corpus.path=pages corpus.max_chars=1200 output_root=FOLDER
    python benchmarks/generate.py --segments FOLDER/segments/web --rounds 3

Every round runs all contestants in turn, each in a process of its own, on the same prompts, sampling settings, precision
and threads; a ratio is taken within its round. `generate` gets its prompts sorted by length, in fixed batches of each size.
Tokens are those written, end tokens included, padding not; their mean a row shows that nobody wins by stopping early.
Loading and a first short call are not part of the time. vLLM takes part where it is installed. Run it with nothing else
on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SIZES = (8, 16, 32, 64)
PLAIN = tuple(f"generate, batches of {size}" for size in SIZES)
RIVALS = (*PLAIN, *(("vLLM alone", "vLLM through us") if find_spec("vllm") else ()))
OURS = "ours"
WARM = 4
"""Rows of the call before the time is taken."""
os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
os.environ |= {"VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
Result = dict[str, Any]
Write = Callable[[int], list[int]]
"""Continues the first rows, as many as it is told; returns how many tokens each got."""


def conversations(arguments: argparse.Namespace) -> list[Any]:
    """The requests that augmentation makes of the first segments."""
    from itertools import islice

    from humpback_exp.prompts import backward
    from humpback_exp.records import Segment, read

    return [backward(segment.text) for segment in islice(read(Path(arguments.segments), Segment), arguments.rows)]


def engine(arguments: argparse.Namespace, name: str, size: int) -> Write:
    """An engine of ours, as augmentation calls it."""
    from humpback_exp.config import EngineConfig, GenerationConfig, settle
    from humpback_exp.inference.load import load_engine
    from humpback_exp.inference.protocol import row_seed

    asked = conversations(arguments)
    sampling = GenerationConfig(max_new_tokens=arguments.max_new_tokens)
    loaded = load_engine(settle(EngineConfig(name=name, device="cpu", batch_size=size)), arguments.model)

    def write(rows: int) -> list[int]:
        seeds = [row_seed(0, row) for row in range(rows)]
        return [done.tokens for done in loaded.generate(asked[:rows], sampling, seeds, lambda rows, tokens: None)]

    return write


def generate(arguments: argparse.Namespace, size: int) -> Write:
    """transformers' own loop over batches of prompts of like length, padded on the left."""
    import torch

    from humpback_exp.data.tokenize import prompt_ids
    from humpback_exp.modeling.load import load_model, load_tokenizer

    tokenizer, model = load_tokenizer(arguments.model), load_model(arguments.model, "bfloat16")
    prompts = [prompt_ids(tokenizer, conversation) for conversation in conversations(arguments)]
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id

    def write(rows: int) -> list[int]:
        counts = []
        order = sorted(prompts[:rows], key=len, reverse=True)
        for batch in (order[i : i + size] for i in range(0, rows, size)):
            width = len(batch[0])
            ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in batch])
            mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch])
            written = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=True, temperature=0.7, top_p=0.9, top_k=0,
                max_new_tokens=arguments.max_new_tokens,
            )[:, width:].tolist()  # fmt: skip
            counts += [row.index(end) + 1 if end in row else len(row) for row in written]
        return counts

    return write


def vllm(arguments: argparse.Namespace) -> Write:
    """vLLM's offline API, called directly with all prompts at once; each row has the seed that we give it.

    Without chunked prefill, as in our engine: with it vLLM 0.32 fails on a CPU as soon as rows are seeded.
    """
    from vllm import LLM, SamplingParams

    from humpback_exp.data.tokenize import prompt_ids
    from humpback_exp.inference.protocol import row_seed
    from humpback_exp.modeling.load import load_tokenizer

    tokenizer = load_tokenizer(arguments.model)
    prompts = [{"prompt_token_ids": prompt_ids(tokenizer, asked)} for asked in conversations(arguments)]
    llm = LLM(
        arguments.model, dtype="bfloat16", enforce_eager=True, max_num_seqs=arguments.batch_size,
        enable_chunked_prefill=False, seed=0,
    )  # fmt: skip
    sampling = [
        SamplingParams(temperature=0.7, top_p=0.9, max_tokens=arguments.max_new_tokens, seed=row_seed(0, row) % 2**63)
        for row in range(arguments.rows)
    ]

    def write(rows: int) -> list[int]:
        done = llm.generate(prompts[:rows], sampling[:rows], use_tqdm=False)
        return [len(output.outputs[0].token_ids) for output in done]

    return write


def child(arguments: argparse.Namespace) -> None:
    """Run one contestant in this process and print its result as the last line."""
    import torch

    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    if arguments.run in PLAIN:
        write = generate(arguments, SIZES[PLAIN.index(arguments.run)])
    elif arguments.run == "vLLM alone":
        write = vllm(arguments)
    else:
        write = engine(arguments, "transformers" if arguments.run == OURS else "vllm", arguments.batch_size)
    write(WARM)
    ready = time.perf_counter()
    counts = write(arguments.rows)
    seconds = time.perf_counter() - ready
    print(json.dumps({"seconds": seconds, "start": ready - started, "tokens": sum(counts), "rows": len(counts)}))


def measured(contestant: str, given: Sequence[str], threads: int) -> Result:
    """One contestant in a process of its own."""
    command = [sys.executable, __file__, *given, "--run", contestant]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{contestant}: {done.stderr[-2000:]}")
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def machine(threads: int) -> tuple[float, float]:
    """FLOP/s of bf16 matrix products, bytes/s read from memory."""
    import torch

    from humpback_exp.modeling.mfu import matmul_peak

    torch.set_num_threads(threads)
    block = torch.ones(1 << 27, dtype=torch.int64)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        block.sum()
        best = min(best, time.perf_counter() - started)
    return matmul_peak(torch.device("cpu"), torch.bfloat16), block.nbytes / best


def shares(
    result: Result, size: int, model: str, prompt_tokens: int, peak: float, bandwidth: float
) -> tuple[float, float]:
    """What the work needs at least, over what the machine could do in the same time: matrix products, and bytes read.

    Products: two operations a weight and token, all layers for prompts, the output projection for written tokens only;
    attention is left out. Bytes: all weights once for every `size` written tokens, and the keys and values each attends to.
    """
    from humpback_exp.config import ModelConfig
    from humpback_exp.planning.model_shape import shape_of

    shape = shape_of(ModelConfig(path=model))
    written = result["tokens"]
    operations = 2 * (shape.layers * shape.layer * (prompt_tokens + written) + shape.embedding * written)
    attended = (prompt_tokens + written / 2) / result["rows"]
    read = 2 * written * (shape.parameters / size + attended * shape.cached_numbers)
    return operations / result["seconds"] / peak, read / result["seconds"] / bandwidth


def table_of(
    rounds: list[dict[str, Result]], needs: Callable[[Result, int], tuple[float, float]], batch_size: int
) -> str:
    """A row a contestant: tokens/s, rows/s, ours over it with its spread, shares of the machine, mean length, start-up."""
    from humpback_exp.progress import table

    rows = []
    for name in rounds[0]:
        found = [each[name] for each in rounds]
        rates = [result["tokens"] / result["seconds"] for result in found]
        ratios = [
            ours["tokens"] / ours["seconds"] / rate for ours, rate in zip((r[OURS] for r in rounds), rates, strict=True)
        ]
        shares = [needs(result, SIZES[PLAIN.index(name)] if name in PLAIN else batch_size) for result in found]
        arithmetic, memory = (statistics.median(share) for share in zip(*shares, strict=True))
        rows.append(
            {
                "contestant": name,
                "tokens/s": f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})",
                "rows/s": f"{statistics.median(result['rows'] / result['seconds'] for result in found):.2f}",
                "ours / it": f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                "of matmul peak": f"{arithmetic:.0%}",
                "of memory": f"{memory:.0%}",
                "tokens a row": f"{statistics.mean(result['tokens'] / result['rows'] for result in found):.1f}",
                "start-up s": f"{statistics.median(result['start'] for result in found):.0f}",
            }
        )
    return table(rows)


def main() -> None:
    """Run all contestants in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", required=True, help="a finished folder of segments")
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=64, help="rows side by side, ours and vLLM's")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=RIVALS, choices=RIVALS, help="rivals that take part")
    parser.add_argument("--run", choices=(OURS, *RIVALS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        return child(arguments)
    from humpback_exp.data.tokenize import prompt_ids
    from humpback_exp.modeling.load import load_tokenizer

    tokenizer = load_tokenizer(arguments.model)
    lengths = [len(prompt_ids(tokenizer, asked)) for asked in conversations(arguments)]
    if len(lengths) < arguments.rows:
        sys.exit(f"--rows={arguments.rows}: {arguments.segments} holds {len(lengths)} segments only")
    rounds, limits = list[dict[str, Result]](), list[tuple[float, float]]()
    for _ in range(arguments.rounds):
        limits.append(machine(arguments.threads))
        rounds.append({name: measured(name, sys.argv[1:], arguments.threads) for name in (OURS, *arguments.only)})
    peak, bandwidth = (statistics.median(limit) for limit in zip(*limits, strict=True))

    def needs(result: Result, size: int) -> tuple[float, float]:
        return shares(result, size, arguments.model, sum(lengths), peak, bandwidth)

    print(
        f"{arguments.rows} prompts, {statistics.mean(lengths):.0f} tokens in the mean, {min(lengths)} to {max(lengths)}"
    )
    print(
        f"bf16 matmul peak {peak / 1e9:.0f} GFLOP/s, memory {bandwidth / 1e9:.0f} GB/s, {arguments.threads} threads\n"
    )
    print(table_of(rounds, needs, arguments.batch_size))


if __name__ == "__main__":
    main()
