"""Which checkpoint a run goes on from: the newest that is whole, and of this run."""

from pathlib import Path

from humpback_exp.artifacts import Manifest, refuse_other
from humpback_exp.modeling.checkpoint.checksum import damage
from humpback_exp.modeling.checkpoint.save import checkpoints, read_metadata
from humpback_exp.modeling.process_group import all_gather
from humpback_exp.progress import log


def whole_checkpoint(folder: Path, manifest: Manifest, rank: int, ranks: int) -> Path | None:
    """The newest undamaged checkpoint in `folder`, None where there is none at all; all ranks must call.

    Every rank reads the files it wrote, so checking takes as long as loading them does, and warms the cache for it.
    Damaged ones newer than the one found are set aside.

    Raises:
        ValueError: every checkpoint is damaged, or the newest whole one belongs to another run.
    """
    found, reasons = checkpoints(folder), []
    for i, path in enumerate(found):
        faults = [fault for each in all_gather(faults_of(path, rank, ranks)) for fault in each]
        if not faults:
            refuse_other(read_metadata(path).manifest, manifest, path)
            if rank == 0:
                for bad in found[:i]:
                    bad.rename(bad.with_name(f".{bad.name}.damaged"))
            return path
        reasons.append(f"{path.name}: {faults[0]}")
        if path != found[-1]:
            (log.warning if rank == 0 else log.debug)(
                "checkpoint %s: damaged (%s), the one before is used", path, faults[0]
            )
    if found:
        raise ValueError(
            f"{folder}: every checkpoint is damaged ({'; '.join(reasons)}); delete {folder} to start from the base model"
        )
    return None


def faults_of(path: Path, rank: int, ranks: int) -> list[str]:
    """What this rank finds wrong with its share of a checkpoint's files."""
    try:
        files = read_metadata(path).files
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"no readable checkpoint.json ({type(error).__name__})"] if rank == 0 else []
    found = (damage(path / name, checksum) for name, checksum in files.items() if checksum.rank % ranks == rank)
    return [fault for fault in found if fault is not None]
