"""The weight files of a folder against the trained weights: every tensor, exactly, one at a time.

Called by `verify`; raises ValueError with the tensor, both values and the file.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from humpback_exp.modeling.export.write import INDEX, full_tensors
from humpback_exp.modeling.load import Model


def check_weights(model: Model, dtype: torch.dtype, folder: Path, reads: bool) -> int:
    """Compare every tensor on the disk with the trained one rounded to `dtype`, holding one of each at a time.

    Returns:
        How many there are.

    Raises:
        ValueError: one differs, is missing, or is too many; on the rank that reads.
    """
    tensors = full_tensors(model, dtype)
    try:
        return compare(tensors, tensor_files(folder)) if reads else 0
    finally:
        for _ in tensors:  # gathering takes every rank to the end
            pass


def tensor_files(folder: Path) -> dict[str, Path]:
    """Tensor name -> the file that holds it, once files and index agree."""
    where: dict[str, Path] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name in names_in(path):
            if name in where:
                raise ValueError(f"{name}: in {where[name].name} and in {path.name}; must be in one file")
            where[name] = path
    if (folder / INDEX).exists():
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        for name in sorted(listed.keys() | where.keys()):
            there = where[name].name if name in where else "no file"
            if listed.get(name) != there:
                raise ValueError(f"{name}: in {there}, but in {listed.get(name, 'no file')} by {INDEX}; must agree")
    return where


def names_in(path: Path) -> list[str]:
    try:
        with safe_open(path, "pt") as file:
            return list(file.keys())
    except SafetensorError as error:
        raise ValueError(f"{path.name}: {error}") from None


def compare(tensors: Iterator[tuple[str, torch.Tensor]], files: dict[str, Path]) -> int:
    """How many tensors the files hold; raises ValueError unless they are `tensors`."""
    seen = set()
    for name, trained in tensors:
        if name not in files:
            raise ValueError(f"{name}: in no file, {describe(trained)} in training")
        with safe_open(files[name], "pt") as file:
            written = file.get_tensor(name)
        if (written.dtype, written.shape) != (trained.dtype, trained.shape):
            raise ValueError(f"{name}: {describe(written)} on the disk, {describe(trained)} in training")
        if not torch.equal(written, trained):
            place = first_difference(written, trained)
            raise ValueError(
                f"{name}{list(place)}: {written[place].item()} on the disk, "
                f"{trained[place].item()} in training; must be equal"
            )
        seen.add(name)
    for name in sorted(files.keys() - seen):
        raise ValueError(f"{name}: in {files[name].name}, but not in training")
    return len(seen)


def describe(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def first_difference(written: torch.Tensor, trained: torch.Tensor) -> tuple[int, ...]:
    """Where two tensors of one shape first differ; a mask of bytes, so that the largest tensor costs half of itself."""
    flat = (written != trained).flatten().to(torch.uint8).argmax()
    return tuple(int(i) for i in torch.unravel_index(flat, written.shape))
