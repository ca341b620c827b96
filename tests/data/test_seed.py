"""Seed files: formats, Open Assistant's first turns, and what is said of bad rows."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp.data.seed import load_seed
from humpback_exp.records import Example
from tests.conftest import ROOT, SHARED

PAIRS = [{"instruction": " Hi? ", "output": "Hello."}, {"id": "x", "instruction": "Two", "output": "2"}]
EXAMPLES = [
    Example(id="seed-00001", source="seed", instruction="Hi?", output="Hello."),
    Example(id="x", source="seed", instruction="Two", output="2"),
]


def test_formats(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, PAIRS)) + "\n\n"
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "a.json").write_text(json.dumps(PAIRS))
    pq.write_table(pa.Table.from_pylist([{"id": "seed-00001"} | PAIRS[0], PAIRS[1]]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.jsonl.gz", "a.json", "a.parquet"):
        assert load_seed(str(tmp_path / name)) == EXAMPLES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no pairs"),
        (b"\n\n", "holds no pairs"),
        (b'{"instruction": "a", "output": "b"}\n{"instruction": "a"}\n', "a.jsonl:2: no output"),
        (b'{"instruction": "a", "output": "  "}\n', "a.jsonl:1: no output"),
        (b'{"instruction": "a", "output": null}\n', "a.jsonl:1: no output"),
        (b'{"output": "b"}\n', "a.jsonl:1: no instruction"),
        (b"not json\n", "a.jsonl:1: no JSON"),
        (b"[1]\n", "a.jsonl:1: list instead of an object"),
        (b'{"instruction": "\xff", "output": "b"}\n', "unreadable"),
        (b'{"id": 1, "instruction": "a", "output": "b"}\n' * 2, "id '1' stands twice"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match="a.jsonl") as caught:
        load_seed(str(tmp_path / "a.jsonl"))
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ['{"a": 1}', '["a"]'])
def test_json_that_is_no_list_of_objects(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match="a.json: no list of objects"):
        load_seed(str(tmp_path / "a.json"))


def test_a_missing_file() -> None:
    with pytest.raises(ValueError, match=r"heldout=nowhere.jsonl: no such file"):
        load_seed("nowhere.jsonl", "heldout")


def test_first_human_english_turn_of_rank_0(tmp_path: Path) -> None:
    reply = {"text": " best ", "lang": "en", "rank": 0}
    trees = [
        {"message_tree_id": "t1", "prompt": {"text": "q", "lang": "en", "replies": [{**reply, "rank": 1}, reply]}},
        {"message_tree_id": "t2", "prompt": {"text": "q", "lang": "de", "replies": [reply]}},
        {"message_tree_id": "t3", "prompt": {"text": "q", "lang": "en", "synthetic": True, "replies": [reply]}},
        {"message_tree_id": "t4", "prompt": {"text": "q", "lang": "en", "replies": [{**reply, "rank": 2}]}},
    ]
    (tmp_path / "trees.jsonl").write_text("\n".join(map(json.dumps, trees)))
    assert load_seed(str(tmp_path / "trees.jsonl")) == [Example(id="t1", source="seed", instruction="q", output="best")]


def test_open_assistant_trees() -> None:
    path = SHARED / "open_assistant" / "en_100_tree.jsonl"
    if not path.exists():
        pytest.skip(f"{path}: not here")
    pairs = load_seed(str(path))
    assert len(pairs) in (93, 94)
    assert round(sum(len(p.output) for p in pairs) / len(pairs)) == pytest.approx(1181, abs=30)


def test_the_shipped_pairs_do_not_overlap() -> None:
    seed = load_seed(str(ROOT / "examples" / "seed.jsonl"))
    heldout = load_seed(str(ROOT / "examples" / "heldout.jsonl"))
    assert (len(seed), len(heldout)) == (120, 40)
    assert not {p.instruction for p in seed} & {p.instruction for p in heldout}
    assert not {p.id for p in seed} & {p.id for p in heldout}
