"""Human pairs: formats, shapes, splits, and what is said of bad rows; Open Assistant and the Hub have files of their own."""

import bz2
import gzip
import json
import lzma
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humpback_exp.config import DatasetConfig, identity
from humpback_exp.config.dataset import ColumnsConfig
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.seed import lengths, load_seed
from humpback_exp.records import Example
from tests.conftest import ROOT, SHARED
from tests.test_configs import composed

PAIRS = [{"instruction": " Hi? ", "output": "Hello."}, {"id": "x", "instruction": "Two", "output": "2"}]
EXAMPLES = [
    Example(id="seed-00001", source="seed", instruction="Hi?", output="Hello."),
    Example(id="x", source="seed", instruction="Two", output="2"),
]
LINES = "\n".join(map(json.dumps, PAIRS)) + "\n\n"
WHOLE = [{"id": "seed-00001"} | PAIRS[0], PAIRS[1]]
"""The same pairs with the id that the first would be given, for formats in which no row can lack a column."""


def written(folder: Path, rows: list[dict[str, Any]], name: str = "a.jsonl") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, rows)))
    return str(folder / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES.encode()),
        ("A.JSONL", LINES.encode()),
        ("a.ndjson", b"\xef\xbb\xbf" + LINES.encode()),
        ("a.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("A.JSONL.GZ", gzip.compress(LINES.encode(), mtime=0)),
        ("a.jsonl.bz2", bz2.compress(LINES.encode())),
        ("a.json.xz", lzma.compress(json.dumps(PAIRS).encode())),
        ("a.json", json.dumps(PAIRS).encode()),
        ("a.JSON", LINES.encode()),
        ("a.csv", b"id,instruction,output\r\nseed-00001, Hi? ,Hello.\r\nx,Two,2\r\n"),
        ("a.csv.gz", gzip.compress(b"id,instruction,output\nseed-00001,Hi?,Hello.\nx,Two,2\n", mtime=0)),
        ("a.TSV", b"id\tinstruction\toutput\nseed-00001\tHi?\tHello.\nx\tTwo\t2\n"),
    ],
)
def test_formats_of_text(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert load_seed(str(tmp_path / name)) == EXAMPLES


def test_tables(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(WHOLE), tmp_path / "a [1].PARQUET")
    with (
        pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file,
        pa.ipc.new_file(file, pa.Table.from_pylist(WHOLE).schema) as out,
    ):
        out.write_table(pa.Table.from_pylist(WHOLE))
    for name in ("a [1].PARQUET", "a.arrow"):
        assert load_seed(str(tmp_path / name)) == EXAMPLES


def test_texts_are_not_taken_for_anything_else(tmp_path: Path) -> None:
    """What readers that guess types make dates, numbers or nothing of."""
    rows = [("2023-01-01", "NA"), ("null", "007"), ("1e3", "None"), ("true", "two\nlines, one comma")]
    cells = "".join(f'{instruction},"{output}"\n' for instruction, output in rows)
    (tmp_path / "a.csv").write_text("instruction,output\n" + cells)
    written(tmp_path, [{"instruction": instruction, "output": output} for instruction, output in rows])
    for name in ("a.csv", "a.jsonl"):
        assert [(row.instruction, row.output) for row in load_seed(str(tmp_path / name))] == rows


def test_ids_are_kept_as_they_are(tmp_path: Path) -> None:
    rows = [{"id": row_id, "instruction": "a", "output": "b"} for row_id in (1, " 1", "é", 2.5)]
    assert [row.id for row in load_seed(written(tmp_path, rows))] == ["1", " 1", "é", "2.5"]


def test_a_folder_with_splits(tmp_path: Path) -> None:
    for name, number in (("train-00000-of-00002", 0), ("train-00001-of-00002", 1), ("test", 2)):
        pq.write_table(
            pa.Table.from_pylist([{"instruction": str(number), "output": "b"}]), tmp_path / f"{name}.parquet"
        )

    def read(split: str) -> list[tuple[str, str]]:
        return [(row.id, row.instruction) for row in load_seed(str(tmp_path), dataset=DatasetConfig(split=split))]

    assert read("train") == [("seed-00001", "0"), ("seed-00002", "1")]
    assert read("test+train") == [("seed-00001", "2"), ("seed-00002", "0"), ("seed-00003", "1")]
    with pytest.raises(ValueError, match=r"data.dataset.split=valid: .* has no valid, but train, test"):
        read("valid")


def test_a_folder_with_configurations(tmp_path: Path) -> None:
    """As its card names them; the default one without a name."""
    for name in ("en", "fr"):
        written(tmp_path, [{"instruction": name, "output": "b"}], f"{name}/pairs.jsonl")
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*\n" for name in ("en", "fr"))
    (tmp_path / "README.md").write_text(f"---\nconfigs:\n{configs}  default: true\n---\n")
    for name, found in ((None, "fr"), ("en", "en")):
        assert load_seed(str(tmp_path), dataset=DatasetConfig(name=name))[0].instruction == found
    with pytest.raises(ValueError, match=r"heldout=.*no dataset \(.*'it'.*\['en', 'fr'\].*heldout_dataset.name=it"):
        load_seed(str(tmp_path), "heldout", DatasetConfig(name="it"))


def test_a_folder_of_save_to_disk(tmp_path: Path) -> None:
    datasets.Dataset.from_list(WHOLE).save_to_disk(tmp_path / "saved")
    assert load_seed(str(tmp_path / "saved")) == EXAMPLES


def test_a_card_that_tells_another_number_of_rows(tmp_path: Path) -> None:
    """As of a download of which a part is missing."""
    written(tmp_path, PAIRS, "train.jsonl")
    card = "---\ndataset_info:\n  splits:\n  - name: train\n    num_examples: {}\n---\n"
    (tmp_path / "README.md").write_text(card.format(2))
    assert load_seed(str(tmp_path)) == EXAMPLES
    (tmp_path / "README.md").write_text(card.format(3))
    with pytest.raises(ValueError, match="has 2 rows of 3 that its card tells of; fetch or copy it again"):
        load_seed(str(tmp_path))


@pytest.mark.parametrize("outside", ["../pairs.jsonl", "{folder}/pairs.jsonl"])
def test_a_card_opens_no_file_outside_of_its_folder(tmp_path: Path, outside: str) -> None:
    written(tmp_path, PAIRS, "pairs.jsonl")
    (tmp_path / "dataset").mkdir()
    files = outside.format(folder=tmp_path)
    (tmp_path / "dataset" / "README.md").write_text(f"---\nconfigs:\n- config_name: a\n  data_files: {files}\n---\n")
    with pytest.raises(ValueError, match=r"its card names .*pairs.jsonl, which is not in it"):
        load_seed(str(tmp_path / "dataset"))


@pytest.mark.parametrize(
    "card", ["configs: [a: : b", "configs: [1]", "dataset_info: {splits: 3}", "dataset_info: [1]", "[1]"]
)
def test_a_damaged_card(tmp_path: Path, card: str) -> None:
    written(tmp_path, PAIRS)
    (tmp_path / "README.md").write_text(f"---\n{card}\n---\n")
    with pytest.raises(ValueError, match=rf"data.seed_path={tmp_path}: no dataset \(") as caught:
        load_seed(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_draw_from_a_large_file_takes_little_memory(tmp_path: Path, name: str) -> None:
    """40 MB on the disk, of which a small part is in memory at a time."""
    rows = ({"id": str(i), "instruction": "a", "output": f"{i:04d}" * 2500} for i in range(4000))
    if name == "a.csv":
        (tmp_path / name).write_text("id,instruction,output\n" + "\n".join(",".join(row.values()) for row in rows))
    else:
        written(tmp_path, list(rows), name)
    assert (tmp_path / name).stat().st_size > 40e6
    load_seed(str(ROOT / "examples" / "seed.jsonl"))  # what imports take is not meant
    tracemalloc.start()
    assert len(load_seed(str(tmp_path / name), size=10)) == 10
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"data.seed_path={tmp_path}: no dataset"):
        load_seed(str(tmp_path))


@pytest.mark.parametrize(
    ("row", "instruction"),
    [
        ({"instruction": "Add.", "input": "1 and 2", "output": "3"}, "Add.\n\n1 and 2"),
        ({"instruction": "Add.", "input": "", "output": "3"}, "Add."),
        ({"instruction": "Add.", "input": None, "output": "3"}, "Add."),
        ({"prompt": "Add.", "completion": " 3"}, "Add."),
        (
            {"prompt": [{"role": "user", "content": "Add."}], "completion": [{"role": "assistant", "content": "3"}]},
            "Add.",
        ),
        ({"prompt": [{"role": "user", "content": "Add."}], "completion": "3"}, "Add."),
        (
            {
                "prompt": "unused",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Add."},
                    {"role": "assistant", "content": "3"},
                    {"role": "user", "content": "Why?"},
                    {"role": "assistant", "content": "4"},
                ],
            },
            "Be brief.\n\nAdd.",
        ),
        (
            {
                "conversations": [
                    {"from": "system", "value": "Be brief."},
                    {"from": "human", "value": "Add."},
                    {"from": "gpt", "value": "3"},
                ]
            },
            "Be brief.\n\nAdd.",
        ),
        ({"conversations": [{"role": "user", "content": "Add."}, {"role": "assistant", "content": "3"}]}, "Add."),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Ad"}, {"type": "text", "text": "d."}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "3"}]},
                ]
            },
            "Add.",
        ),
        (
            {
                "messages": [
                    {"role": "developer", "content": "Be brief."},
                    {"role": "user", "content": "Add."},
                    {"role": "assistant", "content": "3"},
                ]
            },
            "Be brief.\n\nAdd.",
        ),
    ],
)
def test_shapes(tmp_path: Path, row: dict[str, Any], instruction: str) -> None:
    expected = [Example(id="seed-00001", source="seed", instruction=instruction, output="3")]
    assert load_seed(written(tmp_path, [row])) == expected
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert load_seed(str(tmp_path / "a.parquet")) == expected


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "Add."},
        {"instruction": "Add.", "output": None},
        {"instruction": "Add.", "output": " "},
        {"prompt": "Add.", "key": 1},
        {"prompt": [{"role": "user", "content": "Add."}]},
        {"messages": [{"role": "user", "content": "Add."}]},
    ],
)
def test_only_held_out_rows_may_be_prompts_alone(tmp_path: Path, row: dict[str, Any]) -> None:
    path = written(tmp_path, [row])
    assert load_seed(path, "heldout") == [Example(id="seed-00001", source="seed", instruction="Add.", output="")]
    for key in ("data.seed_path", "gate.path"):
        with pytest.raises(ValueError, match="a.jsonl:1: no output"):
            load_seed(path, key)


def test_columns_of_other_names(tmp_path: Path) -> None:
    path = written(tmp_path, [{"key": 7, "question": "Add.", "context": "1 and 2", "response": "3"}])
    columns = ColumnsConfig(id="key", instruction="question", input="context", output="response")
    found = load_seed(path, dataset=DatasetConfig(columns=columns))
    assert found == [Example(id="7", source="seed", instruction="Add.\n\n1 and 2", output="3")]
    wrong = DatasetConfig(columns=ColumnsConfig(output="answer"))
    with pytest.raises(
        ValueError, match=r"a.jsonl:1: no column 'answer' \(gate.dataset.columns.output\); there are key"
    ):
        load_seed(path, "gate.path", wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [("context", "1 and 2"), ("system", "Be brief."), ("system_prompt", "Be brief."), ("history", [["Hi", "Hello"]])],
)
def test_what_belongs_to_an_instruction_is_not_left_out(tmp_path: Path, name: str, value: Any) -> None:
    """Nothing in the column is no reason to stop, nor is a column that is mapped."""
    row = {"instruction": "Add.", "output": "3"}
    path = written(tmp_path, [row | {name: type(value)()}, row | {name: value}])
    remedy = (
        f"set data.dataset.columns.input={name} to have it below the instruction, or take the column out of the file"
    )
    with pytest.raises(ValueError, match=re.escape(f"{path}:2: {name} would be left out; {remedy}")):
        load_seed(path)
    if isinstance(value, str):
        dataset = DatasetConfig(columns=ColumnsConfig(input=name))
        assert load_seed(path, dataset=dataset)[1].instruction == f"Add.\n\n{value}"


def test_a_draw_is_a_prefix_of_the_seeded_order(tmp_path: Path) -> None:
    path = written(tmp_path, [{"id": str(i), "instruction": "a", "output": "b"} for i in range(50)])
    order = sorted(map(str, range(50)), key=lambda row_id: shuffled_rank(3, row_id))
    assert [row.id for row in load_seed(path, size=20, seed=3)] == order[:20]
    assert [row.id for row in load_seed(path, size=50, seed=3)] == order
    with pytest.raises(ValueError, match=r"data.seed_size=51: .*a.jsonl holds 50 pairs; lower it or give a larger"):
        load_seed(path, size=51)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no pairs"),
        (b"\n\n", "holds no pairs"),
        (b'{"instruction": "a", "output": "b"}\n{"instruction": "a"}\n', "a.jsonl:2: no output"),
        (b'{"instruction": "a", "output": "b"}\n\n{"instruction": "a"}\n', "a.jsonl:3: no output"),
        (b'{"instruction": "a", "output": "  "}\n', "a.jsonl:1: no output"),
        (b'{"instruction": "a", "output": null}\n', "a.jsonl:1: no output"),
        (b'{"output": "b"}\n', "a.jsonl:1: no instruction"),
        (b'{"question": "a", "answer": "b"}\n', "a.jsonl:1: no instruction among question, answer; every pair needs"),
        (b'{"instruction": "a", "response": "b"}\n', "a.jsonl:1: no output among instruction, response; every pair"),
        (b'{"instruction": "\\u200b", "output": "b"}\n', "a.jsonl:1: no instruction; every pair"),
        (
            b'{"instruction": "a", "output": "</s>"}\n',
            "a.jsonl:1: output holds nothing but marks of turns ('</s>'); leave",
        ),
        (b'{"instruction": "<|im_end|>\\n", "output": "b"}\n', "a.jsonl:1: instruction holds nothing but marks"),
        (b'{"instruction": "a", "output": "\\ufeff \\u2060"}\n', "a.jsonl:1: no output; every pair"),
        (
            b'{"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]}]}\n',
            "no instruction (messages)",
        ),
        (b'{"conversations": [{"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}]}\n', "no instruction"),
        (b'{"prompt": "a", "completion": null}\n', "a.jsonl:1: no output (completion)"),
        (b'{"messages": []}\n', "a.jsonl:1: no instruction (messages)"),
        (b'{"messages": [{"role": "user", "content": "a"}]}\n', "a.jsonl:1: no output (messages)"),
        (
            b'{"messages": [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]}\n',
            "no instruction",
        ),
        (b'{"instruction": "a", "input": [1], "output": "b"}\n', "a.jsonl:1: no input"),
        (b'{"instruction": null, "input": "a", "output": "b"}\n', "a.jsonl:1: no instruction"),
        (b'{"id": null, "instruction": "a", "output": "b"}\n', "a.jsonl:1: id is None"),
        (b'{"id": " ", "instruction": "a", "output": "b"}\n', "a.jsonl:1: id is ' '"),
        (b'{"instruction": "a \\ud83d b", "output": "b"}\n', r"a.jsonl:1: instruction holds \ud83d"),
        (b'{"id": "\\ud83d", "instruction": "a", "output": "b"}\n', r"a.jsonl:1: id holds \ud83d"),
        (b"not json\n", "a.jsonl:1: no JSON"),
        (b'{"id": ' + b"[" * 100_000 + b"\n", "a.jsonl:1: no JSON"),
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
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 but no more", "heldout={path}: unreadable (Parquet magic bytes not found"),
        ("a.arrow", b"ARROW1", "heldout={path}: unreadable ("),
        ("a.jsonl.gz", b"no gzip", "heldout={path}: unreadable (Not a gzipped file"),
        (
            "a.jsonl.gz",
            gzip.compress(LINES.encode(), mtime=0)[:-9],
            "heldout={path}: unreadable (Compressed file ended",
        ),
        ("a.jsonl.xz", b"no xz", "heldout={path}: unreadable (Input format not supported"),
        ("a.jsonl.zst", b"any", "heldout={path}: unpack it, or pip install zstandard to read it"),
        ("a.csv", b"instruction,output\na,b,c\n", "{path}:1: more cells than names"),
        ("a.csv", b"instruction,output\n,b\n", "{path}:1: no instruction"),
        ("a.csv", b"instruction;output\na;b, c\n", "{path}: the first line parts names by ';'; write commas in a .csv"),
        ("a.tsv", b"instruction,output\na,b\n", "{path}: the first line parts names by ','; write commas in a .csv"),
        ("a.csv", b"output,instruction,output\na,b,c\n", "{path}: two columns are called 'output'; give each a name"),
        (
            "a.jsonl",
            gzip.compress(LINES.encode(), mtime=0),
            "heldout={path}: by its first bytes no text; it is compressed, so let its name end in .gz",
        ),
        ("a.json", bz2.compress(LINES.encode()), "heldout={path}: by its first bytes no text; it is compressed"),
        ("a.csv", b"PK\x03\x04 a sheet", "heldout={path}: by its first bytes no text; unpack it, or save the sheet"),
        ("a.jsonl", b"PAR1", "heldout={path}: by its first bytes no text; let its name end in .parquet"),
        ("a.csv", "instruction".encode("utf-16"), "heldout={path}: by its first bytes no text; it is UTF-16"),
        ("a.csv", b"instruction,output\n\xff,b\n", "heldout={path}: unreadable ("),
        ("a.csv", b"instruction,output\n", "heldout={path}: holds no pairs"),
        ("a.json", b'[{"instruction": "a"', "heldout={path}: unreadable ("),
        ("a.json", b'{"a": 1}', "{path}: no list of objects"),
        ("a.json", b'["a"]', "{path}: no list of objects"),
        ("a.json", b"[" * 100_000, "{path}: no JSON ("),
        ("a.json", b"[" + b"1" * 5_000 + b"]", "{path}: no JSON ("),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load_seed(str(tmp_path / name), "heldout")
    assert str(caught.value).startswith(message.format(path=tmp_path / name))
    assert "\n" not in str(caught.value)


def test_a_null_in_a_parquet_file(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(PAIRS[::-1]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a.parquet:2: id is None; give each row a text or number there, or drop"):
        load_seed(str(tmp_path / "a.parquet"))


def test_a_missing_file() -> None:
    with pytest.raises(ValueError, match=r"heldout=nowhere.jsonl: no such file"):
        load_seed("nowhere.jsonl", "heldout")
    with pytest.raises(ValueError, match=r"heldout='': names nothing"):
        load_seed("", "heldout")


def test_lengths_stand_beside_the_papers() -> None:
    pairs = [Example(id=str(n), source="seed", instruction="a" * n, output="b" * 1000 * n) for n in (1, 3)]
    assert lengths(pairs) == (
        "2 pairs, instruction and output 2 ± 1 and 2,000 ± 1,000 characters (148 ± 322 and 1,072 ± 818 in the paper's 3,200)"
    )


def test_reading_loads_neither_torch_nor_caches(tmp_path: Path) -> None:
    """JSON lines do without `datasets`; a folder of Parquet leaves nothing in the library's cache."""
    pq.write_table(pa.Table.from_pylist(WHOLE), tmp_path / "a.parquet")
    program = (
        "import sys; from humpback_exp.data.seed import load_seed\n"
        f"load_seed({str(ROOT / 'examples/seed.jsonl')!r}); assert 'datasets' not in sys.modules\n"
        f"load_seed({str(tmp_path)!r}); assert 'datasets' in sys.modules and 'torch' not in sys.modules"
    )
    environment = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0", "http_proxy": "http://127.0.0.1:9"}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, check=True, timeout=300)
    assert not (tmp_path / "home").exists()


def test_the_shipped_pairs_do_not_overlap() -> None:
    seed = load_seed(str(ROOT / "examples" / "seed.jsonl"))
    heldout = load_seed(str(ROOT / "examples" / "heldout.jsonl"))
    assert (len(seed), len(heldout)) == (120, 40)
    assert not {p.instruction for p in seed} & {p.instruction for p in heldout}
    assert not {p.id for p in seed} & {p.id for p in heldout}


def test_a_dataset_of_fewer_pairs_than_at_most_is_taken_whole(tmp_path: Path) -> None:
    path = tmp_path / "seed.jsonl"
    path.write_text("".join(json.dumps({"id": f"{i}", "instruction": "i", "output": "o"}) + "\n" for i in range(7)))
    whole, part = (load_seed(str(path), dataset=DatasetConfig(most=most)) for most in (9, 3))
    assert [row.id for row in whole] == [row.id for row in load_seed(str(path), size=7)]
    assert part == load_seed(str(path), size=3)
    assert len(load_seed(str(path), dataset=DatasetConfig(most=3), size=5)) == 5
    assert identity(DatasetConfig()) == {} and identity(DatasetConfig(most=3)) == {"most": 3}


def test_the_parts_of_a_prompt_set(tmp_path: Path) -> None:
    """One of several sets by its column, without the answers of models, less the prompts of another file, its rows counted."""
    rows = [
        {"dataset": name, "instruction": f" {name} {n}?", "output": "a"}
        for name in ("koala", "vicuna")
        for n in range(3)
    ]
    path = tmp_path / "model_outputs.json"
    path.write_text(json.dumps(rows))
    other = written(tmp_path, [{"instruction": "vicuna 1?"}], "other.jsonl")
    options = DatasetConfig(subset="vicuna", prompts_only=True, count=3, without=other)
    found = load_seed(str(path), "heldout", options)
    assert [(row.id, row.instruction, row.output) for row in found] == [
        ("seed-00004", "vicuna 0?", ""),
        ("seed-00006", "vicuna 2?", ""),
    ]
    with pytest.raises(ValueError, match=r"has 3 rows of koala, not heldout_dataset.count=156; get it whole"):
        load_seed(str(path), "heldout", DatasetConfig(subset="koala", count=156))
    assert identity(DatasetConfig(prompts_only=False, count=None)) == {}


def test_prompts_as_vicuna_lima_and_self_instruct_publish_them(tmp_path: Path) -> None:
    rows = [
        {"turns": ["Why?", "And then?"]},
        {"conversations": ["Who?"], "source": "multi_turn"},
        {"conversations": ["Where?", "Here."], "source": "x"},
        {"instruction": "Sum up.", "instances": [{"input": "A text.", "output": "Text."}]},
        {"instruction": "Write.", "instances": [{"input": "", "output": "A tale."}]},
    ]
    found = load_seed(written(tmp_path, rows), "heldout", DatasetConfig(columns=ColumnsConfig()))
    assert [(row.instruction, row.output) for row in found] == [
        ("Why?", ""),
        ("Who?", ""),
        ("Where?", "Here."),
        ("Sum up.\n\nA text.", "Text."),
        ("Write.", "A tale."),
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the prompt sets are not beside the checkout")
@pytest.mark.parametrize(
    ("prompts", "file", "first"),
    [
        ("alpaca_eval", "alpaca_eval/text_davinci_003/model_outputs.json", "What are the names of some famous actors"),
        ("alpaca_eval_selfinstruct", "alpaca_eval/text_davinci_003/model_outputs.json", "The sentence you are given"),
        ("alpaca_eval_oasst", "alpaca_eval/text_davinci_003/model_outputs.json", ""),
        ("koala", "alpaca_eval/text_davinci_003/model_outputs.json", ""),
        ("alpaca_eval_helpful_base", "alpaca_eval/text_davinci_003/model_outputs.json", "What are the names"),
        ("alpaca_eval_vicuna", "alpaca_eval/text_davinci_003/model_outputs.json", "How can I improve my time"),
        ("vicuna", "vicuna/question.jsonl", "How can I improve my time management skills?"),
        ("self_instruct", "self_instruct/user_oriented_instructions.jsonl", "The sentence you are given"),
        ("heldout", "", ""),
    ],
)
def test_prompt_sets_have_the_published_counts(prompts: str, file: str, first: str) -> None:
    words = [f"prompts={prompts}", *([f"heldout={SHARED}/{file}"] if file else [])]
    config = composed("evaluate", *words)
    found = load_seed(config.heldout, "heldout", config.heldout_dataset)
    assert len(found) == config.heldout_dataset.count == config.judge.prompts
    assert found[0].instruction.startswith(first)
