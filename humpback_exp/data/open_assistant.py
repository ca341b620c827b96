"""Open Assistant's conversations -> the paper's pairs: first turn, English, human, reply of rank 0 (section 3.1).

They are released as trees, one a line, and on the Hub as a table of messages; both give the same pairs in the same order.
"""

from collections.abc import Iterator
from typing import Any

from humpback_exp.data.shapes import Columns, Row


def tree_pair(tree: Row, where: str) -> Columns | None:
    """The pair of a tree; None where it has none of the kind.

    Raises:
        ValueError: the tree has no prompt, or the prompt no list of replies.
    """
    root = tree.get("prompt")
    if not isinstance(root, dict):
        raise ValueError(f"{where}: no prompt; an Open Assistant tree has one, with its replies")
    if not human(root):
        return None
    replies = root.get("replies")
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise ValueError(f"{where}: no replies; an Open Assistant prompt has a list of them, if an empty one")
    reply = next((reply for reply in replies if best(reply)), None)
    return reply and pair(tree["message_tree_id"], root, reply)


class Messages:
    """What a table of messages holds of first turns, kept until their other halves have come."""

    def __init__(self) -> None:
        self.prompts: dict[Any, tuple[str, Row]] = {}
        self.replies: dict[Any, Row] = {}

    def add(self, row: Row, where: str) -> None:
        """Keep a message that may be half of a pair: the prompt of a tree, or the first best reply to it."""
        if row.get("parent_id") is None and human(row):
            self.prompts[row["message_id"]] = where, row
        elif row.get("parent_id") == row["message_tree_id"] and best(row):
            self.replies.setdefault(row["message_tree_id"], row)

    def pairs(self) -> Iterator[tuple[str, Columns]]:
        """The pairs and where their prompts stand, in the order of the prompts."""
        for tree_id, (where, root) in self.prompts.items():
            if tree_id in self.replies:
                yield where, pair(tree_id, root, self.replies[tree_id])


def human(message: Row) -> bool:
    """English, and not written by a model."""
    return message.get("lang") == "en" and not message.get("synthetic")


def best(reply: Row) -> bool:
    return reply.get("rank") == 0 and human(reply)


def pair(tree_id: Any, root: Row, reply: Row) -> Columns:
    return {
        "id": ("message_tree_id", tree_id),
        "instruction": ("text of the prompt", root.get("text")),
        "output": ("text of the reply", reply.get("text")),
    }
