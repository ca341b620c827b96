"""`watch_leaves.py ARGUMENTS`: train.py, and the names of the modules DeepSpeed treats as leaves."""

import runpy
from typing import Any

from humpback_exp.modeling.zero3 import ZeRO3

initialize = ZeRO3._initialize_deepspeed_train


def watched(self: ZeRO3, model: Any) -> None:
    initialize(self, model)
    print("leaves", *(name for name, module in model.named_modules() if getattr(module, "_z3_leaf", False)))


ZeRO3._initialize_deepspeed_train = watched
runpy.run_path("train.py", run_name="__main__")
