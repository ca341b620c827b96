"""A row as people publish pairs -> id, instruction and output, each under the name that its column has in the file."""

import re
from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from humpback_exp.data.chats import first_turn, holds_objects
from humpback_exp.turn_marks import KNOWN, remove

Row = dict[str, Any]
Columns = dict[str, tuple[str, Any]]
"""Our name of a column -> its name in the file, for messages, and its value."""
SHAPES = (
    "every pair needs instruction and output, prompt and completion, or messages, as text (other names: docs/data.md)"
)

NOTHING = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*")
"""What nobody sees."""
LEFT_OUT = ("context", "history", "system", "system_prompt")
"""Columns that other trainers show the model beside the instruction, and that no shape here reads by itself."""


def renamed(row: Row, names: Mapping[str, str], where: str, option: str) -> Columns:
    """A row under our names.

    Args:
        names: our name -> the row's, where they differ.
        where: file and number of the row, for messages.
        option: the config key of `names`.

    Raises:
        ValueError: the row has no such column, or one that belongs to the instruction and would be left out.
    """
    columns = {name: (name, value) for name, value in row.items()}
    for ours, theirs in names.items():
        if theirs not in row:
            raise ValueError(f"{where}: no column {theirs!r} ({option}.{ours}); there are {', '.join(row)}")
        columns[ours] = theirs, row[theirs]
    for name in LEFT_OUT:
        if name not in names.values() and not lacks(columns, name) and row[name] != []:
            raise ValueError(
                f"{where}: {name} would be left out; set {option}.input={name} to have it below the instruction, "
                "or take the column out of the file"
            )
    return columns


def pair_columns(columns: Columns, where: str) -> Columns:
    """Columns of any of the shapes, with instruction and output among them where they can be found.

    Raises:
        ValueError: there is an `input`, but it or the instruction above it is no text.
    """
    if "instruction" not in columns and "output" not in columns:
        columns = columns | _other_shape(columns)
    columns = columns | _first_instance(columns)
    if lacks(columns, "input") or "instruction" not in columns:
        return columns
    whole = "\n\n".join(text(columns, name, where).strip() for name in ("instruction", "input"))
    return columns | {"instruction": (columns["instruction"][0], whole)}


def _other_shape(columns: Columns) -> Columns:
    """Instruction and output of a row of messages, of turns as plain texts (as Vicuna's questions and LIMA's pairs are), or of
    prompt and completion (as text or as turns of a chat)."""
    if "messages" in columns and "completion" not in columns:
        return _chat(*columns["messages"])
    if "conversations" in columns and holds_objects(columns["conversations"][1]):
        return _chat(*columns["conversations"])
    if "turns" in columns:  # all of the user's
        return {"instruction": _first_text(*columns["turns"])["instruction"]}
    if "conversations" in columns:
        return _first_text(*columns["conversations"])
    if "prompt" not in columns:
        return {}
    (name, prompt), completion = columns["prompt"], columns.get("completion", ("completion", None))
    if not isinstance(prompt, list):
        return {"instruction": (name, prompt), "output": completion}
    said = completion[1]
    return _chat(name, prompt + (said if isinstance(said, list) else [{"role": "assistant", "content": said}]))


def _chat(name: str, messages: Any) -> Columns:
    question, answer = first_turn(messages)
    return {"instruction": (name, question), "output": (name, answer)}


def _first_text(name: str, texts: Any) -> Columns:
    """The first of several texts, asked and answered in turn, and the answer to it."""
    first, second = [*(texts if isinstance(texts, list) else []), None, None][:2]
    return {"instruction": (name, first), "output": (name, second)}


def _first_instance(columns: Columns) -> Columns:
    """Input and output of the first instance of a Self-Instruct task; nothing of other rows."""
    name, instances = "instances", columns.get("instances", ("instances", None))[1]
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], dict):
        return {}
    return {key: (f"{name}[0].{key}", instances[0].get(key)) for key in ("input", "output")}


def lacks(columns: Columns, name: str) -> bool:
    """Whether there is no such column, or nothing in it."""
    value = columns.get(name, (name, None))[1]
    return value is None or (isinstance(value, str) and NOTHING.fullmatch(value) is not None)


def text(columns: Columns, name: str, where: str) -> str:
    """A column's text.

    Raises:
        ValueError: there is none, nothing is left of it without marks of turns, or it holds half a character, which could not be
            written anywhere.
    """
    theirs, value = columns.get(name, (name, None))
    called = name if theirs == name else f"{name} ({theirs})"
    if not isinstance(value, str) or NOTHING.fullmatch(value):
        among = "" if name in columns else f" among {shorten(', '.join(columns), 100)}"
        raise ValueError(f"{where}: no {called}{among}; {SHAPES}")
    if NOTHING.fullmatch(remove(value, KNOWN)):
        raise ValueError(
            f"{where}: {called} holds nothing but marks of turns ({shorten(value, 40)!r}); leave the row out"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = value[error.start].encode("unicode_escape").decode()
        raise ValueError(f"{where}: {called} holds {half}, half a character (a lone surrogate); mend the row") from None
    return value


def row_id(columns: Columns, number: int, where: str) -> str:
    """The id of a row, or its number where there is no such column.

    Raises:
        ValueError: it is null, empty, or neither text nor a number.
    """
    if "id" not in columns:
        return f"seed-{number:05d}"
    theirs, value = columns["id"]
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {theirs} is {value!r}; give each row a text or number there, or drop the column")
    return text(columns, "id", where)
