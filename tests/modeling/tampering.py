"""`train.py` with something done between writing the export and verifying it, or while the folder is being finished.

python tests/modeling/tampering.py DEED [train.py's arguments], alone or as ranks.
"""

import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from humpback_exp.artifacts import folder as artifact_folder
from humpback_exp.distributed import rank
from humpback_exp.modeling.export import write as exporting

GATE = "model.layers.1.mlp.gate_proj.weight"


def change_one_element(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors[GATE][3, 5] = 0.5
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def punish_repetition(folder: Path) -> None:
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"repetition_penalty": 5.0}))


def die(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_export(deed: Callable[[Path], None]) -> None:
    """Let the first rank do `deed` to the folder as soon as it is written."""
    export = exporting.export

    def export_and_more(*arguments: Any, **options: Any) -> None:
        export(*arguments, **options)
        if rank() == 0:
            deed(next(each for each in arguments if isinstance(each, Path)))

    exporting.export = export_and_more


def main() -> None:
    deed = sys.argv.pop(1)
    if deed == "die_while_finishing":
        artifact_folder.sha256 = die
    else:
        after_export(
            {"change_one_element": change_one_element, "punish_repetition": punish_repetition, "die": die}[deed]
        )
    runpy.run_path("train.py", run_name="__main__")


if __name__ == "__main__":
    main()
