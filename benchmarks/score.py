"""Rating speed: our expected score, our generated score, and distilabel's, on the same model and pairs.

    python -m venv DISTILABEL
    DISTILABEL/bin/pip install torch==2.13.0 'transformers>=5.16.1,<5.20' distilabel==1.5.3 requests accelerate
    python benchmarks/score.py --distilabel DISTILABEL/bin/python --rounds 3

distilabel runs its InstructionBacktranslation task with its transformers back end, in an environment of its own. Every round
runs all contestants in turn, each in a process of its own; a ratio is taken within its round. Loading and a first pair are
not counted. Written ratings are sampled alike, one try a pair. Run it with nothing else on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OURS = ("expected", "generated")
SAMPLING = {"temperature": 0.7, "top_p": 0.9}
Result = dict[str, Any]
Pair = tuple[str, str]


def timed(rate: Any, pairs: list[Pair]) -> Result:
    """Seconds for all pairs after a first one, and what `rate` made of them."""
    rate(pairs[:1])
    started = time.perf_counter()
    scores = rate(pairs)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "readable": sum(score is not None for score in scores), "pairs": len(scores)}


def ours(arguments: argparse.Namespace, pairs: list[Pair]) -> Result:
    """The rubric of the paper, asked as curation asks it."""
    import yaml

    from humpback_exp.config import EngineConfig, GenerationConfig, RatingConfig, RubricConfig
    from humpback_exp.evaluation.scorers.expected import by_expectation
    from humpback_exp.evaluation.scorers.written import by_rating
    from humpback_exp.inference.load import load_engine

    options = json.loads(arguments.options)
    engine = load_engine(EngineConfig(name=arguments.engine, dtype=arguments.dtype, **options), arguments.model)
    rubric = RubricConfig(**yaml.safe_load(Path("conf/rubric/five_point.yaml").read_text()))
    asked = RatingConfig(generation=GenerationConfig(max_new_tokens=arguments.new_tokens, **SAMPLING), attempts=1)

    def quiet(rows: int, tokens: int) -> None:
        pass

    def expected(some: list[Pair]) -> list[float | None]:
        return [rated.expected for rated in by_expectation(engine, rubric, some, True, quiet)]

    def generated(some: list[Pair]) -> list[float | None]:
        ids = [str(i) for i in range(len(some))]
        return [rated.generated for rated in by_rating(engine, asked, rubric, some, ids, quiet)]

    return timed({"expected": expected, "generated": generated}[arguments.run], pairs)


def distilabel(arguments: argparse.Namespace, pairs: list[Pair]) -> Result:
    """Its task as a step by itself, without its pipeline's processes and queues; its pipeline reads a row at a time."""
    from distilabel.models import TransformersLLM  # type: ignore[import-not-found]
    from distilabel.steps.tasks import InstructionBacktranslation  # type: ignore[import-not-found]

    settings = {"max_new_tokens": arguments.new_tokens, "repetition_penalty": 1.0} | SAMPLING
    llm = TransformersLLM(model=arguments.model, torch_dtype=arguments.dtype, device="cpu", generation_kwargs=settings)
    task = InstructionBacktranslation(llm=llm, input_batch_size=len(pairs))
    task.load()

    def rate(some: list[Pair]) -> list[float | None]:
        rows = [{"instruction": instruction, "generation": output} for instruction, output in some]
        return [row["score"] for row in next(task.process(rows))]

    return timed(rate, pairs)


def measured(contestant: str, python: str, arguments: argparse.Namespace, pairs: Path) -> Result:
    """One contestant in a process of its own, its figures being the last line it prints."""
    passed = ["--model", arguments.model, "--dtype", arguments.dtype, "--new-tokens", str(arguments.new_tokens)]
    passed += ["--engine", arguments.engine, "--options", arguments.options, "--chosen", str(pairs)]
    command = [python, __file__, *passed, "--run", contestant]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": "" if contestant == "distilabel" else os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{contestant}: {done.stderr[-2000:]}")
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result | {"rate": result["pairs"] / result["seconds"]}


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Print pairs/s, the share of readable scores, and the ratios with their spread over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--distilabel", help="Python of distilabel's environment; without it, ours alone")
    parser.add_argument("--pairs", default="examples/heldout.jsonl")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--engine", default="transformers")
    parser.add_argument("--options", default="{}", help="further keys of our engine, as JSON")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--new-tokens", type=int, default=128, help="a written rating's at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chosen", help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        pairs = [tuple(pair) for pair in json.loads(Path(arguments.chosen).read_text())]
        print(json.dumps((distilabel if arguments.run == "distilabel" else ours)(arguments, pairs)))
        return
    contestants = {name: sys.executable for name in OURS}
    contestants |= {"distilabel": arguments.distilabel} if arguments.distilabel else {}
    rows = [json.loads(line) for line in Path(arguments.pairs).read_text().splitlines()][: arguments.count]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as chosen:
        json.dump([[row["instruction"], row["output"]] for row in rows], chosen)
        chosen.flush()
        rounds = [
            {name: measured(name, python, arguments, Path(chosen.name)) for name, python in contestants.items()}
            for _ in range(arguments.rounds)
        ]
    report(rounds, list(contestants))


def report(rounds: list[dict[str, Result]], contestants: list[str]) -> None:
    from humpback_exp.progress import table

    lines = []
    for name in contestants:
        rates = [found[name]["rate"] for found in rounds]
        readable = sum(found[name]["readable"] for found in rounds) / sum(found[name]["pairs"] for found in rounds)
        lines.append({"": name, "pairs/s": spread(rates), "readable": f"{readable:.0%}"})
    print(table(lines))
    for fast, slow in zip(contestants, contestants[1:], strict=False):
        print(f"{fast} / {slow}: {spread([found[fast]['rate'] / found[slow]['rate'] for found in rounds])}")


if __name__ == "__main__":
    main()
