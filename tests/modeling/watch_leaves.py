"""`watch_leaves.py ARGUMENTS`: train.py, and the names of the modules DeepSpeed treats as leaves."""

import runpy
from typing import Any

from humpback_exp.modeling.strategies import Partitions

initialize = Partitions._initialize_deepspeed_train


def watched(self: Partitions, model: Any) -> None:
    initialize(self, model)
    print("leaves", *(name for name, module in model.named_modules() if getattr(module, "_z3_leaf", False)))


Partitions._initialize_deepspeed_train = watched
runpy.run_path("train.py", run_name="__main__")
