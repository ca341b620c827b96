"""Open Assistant's first turns: from the released trees, and from the Hub's table of messages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp import artifacts
from humpback_exp.data.seed import load_seed
from humpback_exp.records import Example
from tests.conftest import SHARED, one_line_error, run

COLUMNS = {
    "message_id": pa.string(),
    "parent_id": pa.string(),
    "text": pa.string(),
    "role": pa.string(),
    "lang": pa.string(),
    "deleted": pa.bool_(),
    "rank": pa.int32(),
    "synthetic": pa.bool_(),
    "message_tree_id": pa.string(),
    "tree_state": pa.string(),
}
"""Of the table on the Hub, as far as its card tells those that matter here."""


def messages(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages of a tree, each before its replies, as rows of the table."""
    shared = {"message_tree_id": tree["message_tree_id"], "tree_state": tree["tree_state"]}
    waiting = [tree["prompt"]]
    while waiting:
        message = waiting.pop(0)
        yield {name: message.get(name) for name in COLUMNS} | shared
        waiting = message["replies"] + waiting


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(COLUMNS)), path)


@pytest.fixture
def trees() -> list[dict[str, Any]]:
    path = SHARED / "open_assistant" / "en_100_tree.jsonl"
    if not path.exists():
        pytest.skip(f"{path}: not here")
    return [json.loads(line) for line in path.read_text().splitlines()]


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_first_human_english_turn_of_rank_0(tmp_path: Path) -> None:
    reply = {"text": " best ", "lang": "en", "rank": 0}
    trees = [
        {"message_tree_id": "t1", "prompt": {"text": "q", "lang": "en", "replies": [{**reply, "rank": 1}, reply]}},
        {"message_tree_id": "t2", "prompt": {"text": "q", "lang": "de", "replies": [reply]}},
        {"message_tree_id": "t3", "prompt": {"text": "q", "lang": "en", "synthetic": True, "replies": [reply]}},
        {"message_tree_id": "t4", "prompt": {"text": "q", "lang": "en", "replies": [{**reply, "rank": 2}]}},
    ]
    expected = [Example(id="t1", source="seed", instruction="q", output="best")]
    assert load_seed(lines(tmp_path / "trees.jsonl", trees)) == expected


def test_real_trees(trees: list[dict[str, Any]], tmp_path: Path) -> None:
    pairs = load_seed(lines(tmp_path / "trees.jsonl", trees))
    assert len(pairs) == 94
    assert round(sum(len(pair.output) for pair in pairs) / len(pairs)) == 1181


def test_the_table_of_messages_gives_the_pairs_of_the_trees(trees: list[dict[str, Any]], tmp_path: Path) -> None:
    """Every message of every turn stands in the table; in another order of the messages the pairs are the same, too."""
    rows = [row for tree in trees for row in messages(tree)]
    assert len(rows) == 1167
    pairs = load_seed(lines(tmp_path / "trees.jsonl", trees))
    write_table(tmp_path / "messages.parquet", rows)
    assert load_seed(str(tmp_path / "messages.parquet")) == pairs
    assert load_seed(lines(tmp_path / "messages.jsonl", rows)) == pairs
    write_table(tmp_path / "reversed.parquet", rows[::-1])
    assert sorted(load_seed(str(tmp_path / "reversed.parquet")), key=str) == sorted(pairs, key=str)


def test_draws_are_alike_too(trees: list[dict[str, Any]], tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", [row for tree in trees for row in messages(tree)])
    from_trees = load_seed(lines(tmp_path / "a.jsonl", trees), size=32, seed=5)
    assert load_seed(str(tmp_path / "a.parquet"), size=32, seed=5) == from_trees


def test_the_papers_seed_as_it_is_typed(tiny: str, trees: list[dict[str, Any]], tmp_path: Path) -> None:
    """`data=oasst1` with the Hub's layout in the cache; a run begun offline keeps its commit and says how long its pairs are."""
    dataset = tmp_path / "hub" / "datasets--OpenAssistant--oasst1"
    for split, part in (("train", trees[:80]), ("validation", trees[80:])):
        rows = [row for tree in part for row in messages(tree)]
        write_table(
            dataset / "snapshots" / ("f" * 40) / "data" / f"{split}-00000-of-00001-0123456789abcdef.parquet", rows
        )
    (dataset / "refs").mkdir()
    (dataset / "refs" / "main").write_text("f" * 40)
    command = ["train.py", "data=oasst1", "experiment=m0", "model=tiny", "tracking=none", f"output_root={tmp_path}"]
    refused = one_line_error(run(*command, HF_HUB_CACHE=str(tmp_path / "hub")))
    assert (
        refused == "data.seed_size=3200: OpenAssistant/oasst1 holds 94 pairs; lower it or give a larger data.seed_path"
    )
    assert not (tmp_path / "models").exists()
    told = run(*command, "data.seed_size=94", "optim.max_steps=1", HF_HUB_CACHE=str(tmp_path / "hub"))
    assert told.returncode == 0, told.stderr
    assert (
        "OpenAssistant/oasst1: 94 pairs, instruction and output 166 ± 241 and 1,181 ± 729 characters "
        "(148 ± 322 and 1,072 ± 818 in the paper's 3,200)"
    ) in told.stderr
    manifest = artifacts.load(tmp_path / "models" / "m0")
    assert manifest.config["data.dataset.revision"] == "f" * 40
    assert manifest.rows["seed"] + manifest.drops.get("too long", 0) == 94


REPLY = {"text": "b", "lang": "en", "rank": 0}
PROMPT = {"text": "a", "lang": "en", "replies": [REPLY]}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"message_tree_id": "t"}, "no prompt"),
        ({"message_tree_id": "t", "prompt": {"text": "a", "lang": "en"}}, "no replies"),
        ({"message_tree_id": "t", "prompt": PROMPT | {"replies": None}}, "no replies"),
        ({"message_tree_id": "t", "prompt": PROMPT | {"text": None}}, "no instruction (text of the prompt)"),
        ({"message_tree_id": "t", "prompt": {"lang": "en", "replies": [REPLY]}}, "no instruction (text of the prompt)"),
        (
            {"message_tree_id": "t", "prompt": PROMPT | {"replies": [REPLY | {"text": " "}]}},
            "no output (text of the reply)",
        ),
        ({"message_tree_id": None, "prompt": PROMPT}, "message_tree_id is None"),
        (
            {"message_tree_id": "t", "prompt": PROMPT | {"text": "\ud800"}},
            r"instruction (text of the prompt) holds \ud800",
        ),
    ],
)
def test_bad_trees(tmp_path: Path, tree: dict[str, Any], message: str) -> None:
    good = {"message_tree_id": "s", "prompt": PROMPT}
    with pytest.raises(ValueError) as caught:
        load_seed(lines(tmp_path / "a.jsonl", [good, tree]))
    assert str(caught.value).startswith(f"{tmp_path}/a.jsonl:2: {message}")


def test_bad_messages(tmp_path: Path) -> None:
    """Named by the row of the prompt, since a pair stands in two."""
    shared = {"message_tree_id": "t", "lang": "en"}
    prompt = shared | {"message_id": "t", "parent_id": None, "text": "a"}
    reply = shared | {"message_id": "r", "parent_id": "t", "rank": 0, "text": None}
    with pytest.raises(ValueError, match=r"a.jsonl:1: no output \(text of the reply\)"):
        load_seed(lines(tmp_path / "a.jsonl", [prompt, reply]))
