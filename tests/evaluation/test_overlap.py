"""Prompts that stand in the training pairs, by thirteen words in a row."""

import json
import time
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import DataConfig, TrainConfig
from humpback_exp.evaluation.overlap import overlap, overlapping
from humpback_exp.records import Example

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def pair(name: str, instruction: str, output: str = "", source: str = "seed") -> Example:
    return Example(id=name, source=source, instruction=instruction, output=output)


def test_thirteen_words_in_a_row_or_a_whole_short_instruction() -> None:
    prompts = [
        pair("long", LONG),
        pair("short", "Name a river!"),
        pair("twelve", " ".join(LONG.split()[:12])),
        pair("other", LONG.replace("seven", "7")),
        pair("marks only", "?!"),
    ]
    examples = [
        pair("a", "Say: ONE, two three four five six seven eight nine ten eleven twelve thirteen!"),
        pair("b", "name a  river"),
        pair("c", "Name a river in Asia", "Name a river", "web"),
        pair("d", "x", f"before {LONG} after", "web"),
        pair("e", "?"),
    ]
    assert overlapping(prompts, examples) == {"seed": {"long", "short"}, "web": {"long"}}
    assert overlapping(prompts, examples[4:]) == {"seed": set()}


def test_a_model_that_was_not_trained_here_has_no_known_overlap(tmp_path: Path) -> None:
    assert overlap("org/model", [pair("a", LONG)]) == {}
    (tmp_path / "config.yaml").write_text("stage: train\n")
    assert overlap(str(tmp_path), [pair("a", LONG)]) == {}


def test_the_pairs_of_a_finished_model_are_read_again(tmp_path: Path) -> None:
    seed = tmp_path / "seed.jsonl"
    seed.write_text(json.dumps({"instruction": LONG, "output": "yes"}))
    config = TrainConfig(output_root=str(tmp_path), name="m", data=DataConfig(seed_path=str(seed)))
    artifacts.finish(artifacts.begin(config), started=time.time(), rows={"examples": 1})
    assert overlap(str(config.folder), [pair("p", f"{LONG} and more"), pair("q", "no")]) == {"seed": ["p"]}
    seed.unlink()
    assert overlap(str(config.folder), [pair("p", LONG)]) == {}
