"""`watch_load.py MODEL`: load as a rank of ZeRO-3 does; print what this rank held at most and in the end, in bytes."""

import ctypes
import json
import re
import sys
import threading
from pathlib import Path

from humpback_exp.config import ModelConfig, TrainConfig, TrainerConfig
from humpback_exp.modeling.module import CausalLMModule
from humpback_exp.modeling.trainer import build_trainer

M_MMAP_THRESHOLD = -3


def resident() -> int:
    """Anonymous memory of this process; pages of a mapped file are the system's to drop."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10


def main() -> None:
    # memory goes back to the system when it is freed, so that what is resident is what is held
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)
    trainer = TrainerConfig(devices=2, strategy="zero3", precision="fp32")
    config = TrainConfig(model=ModelConfig(path=sys.argv[1], dropout=0.0), trainer=trainer)
    build_trainer(config, batch_size=8, max_steps=1, callbacks=[]).strategy.setup_environment()
    module = CausalLMModule(config.model, config.adapter, config.optim, trainer, 1, 0)
    before, peak, done = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    module.configure_model()
    done.set()
    watcher.join()
    held = sum(p.nbytes + p.ds_tensor.nbytes for p in module.parameters())
    print(json.dumps({"peak": peak, "held": held}))


if __name__ == "__main__":
    main()
