"""The node against the plan: GPUs, their driver, main memory, shared memory."""

import shutil

from humpback_exp.config import TrainConfig
from humpback_exp.diagnosis.finding import BROKEN, DOUBTFUL, Finding, finding
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB, USABLE
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.node_memory import node_memory

SHARED_MEMORY = GIB
"""Bytes of /dev/shm that NCCL's and the data loader's buffers may take on one node (ours)."""


def check_node(training: TrainConfig) -> list[Finding]:
    """GPUs with their memory, the driver as torch sees it, main memory, shared memory."""
    findings = [check_main_memory(training), check_shared_memory()]
    if training.trainer.accelerator == "gpu":
        findings = [check_gpus(training), check_driver(training.trainer.devices), *findings]
    return findings


def check_gpus(training: TrainConfig) -> Finding:
    """As many GPUs as the trainer takes a node, each with the planned peak."""
    devices, need = training.trainer.devices, training_memory(training).peak / USABLE
    memories = machine.gpu_memories()
    found = f"{len(memories)} x {min(memories) / GIB:.1f} GiB" if memories else "none"
    enough = len(memories) >= devices and min(memories, default=0) >= need
    remedy = f"{devices} GPUs of {need / GIB:.1f} GiB are needed; see python plan.py for what would fit"
    return finding("GPUs of this node", found, enough, remedy)


def check_driver(devices: int) -> Finding:
    """Whether torch was built for CUDA and reaches the GPUs through the driver that is there."""
    import torch

    if torch.version.cuda is None:
        return Finding("CUDA", f"torch {torch.__version__} for CPUs", BROKEN, "install the torch wheel for CUDA")
    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    remedy = f"update the driver to one for CUDA {torch.version.cuda}, or look at CUDA_VISIBLE_DEVICES"
    return finding("CUDA", f"{torch.version.cuda}, torch sees {seen} GPU(s)", seen >= devices, remedy)


def check_main_memory(training: TrainConfig) -> Finding:
    """Free main memory against what the ranks of a node take at most."""
    free = machine.host_memory()
    if training.trainer.accelerator == "cpu":
        need = training_memory(training).peak * training.trainer.devices
    else:
        node = node_memory(training)
        need = max(node.load, node.training, node.resume, node.export)
    found = f"{free / GIB:.1f} GiB free, {need / GIB:.1f} GiB at most"
    return finding("main memory", found, free >= need, "ask for more memory a node, more nodes, or a smaller model=")


def check_shared_memory() -> Finding:
    """NCCL and data loaders exchange data through /dev/shm, which containers keep small."""
    free = shutil.disk_usage("/dev/shm").free
    remedy = "start the container with --shm-size=8g or --ipc=host"
    return finding("/dev/shm", f"{free / GIB:.1f} GiB free", free >= SHARED_MEMORY, remedy, DOUBTFUL)
