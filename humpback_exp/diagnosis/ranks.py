"""Whether the ranks of a training reach one another."""

import json
import tempfile
import time
from pathlib import Path

from humpback_exp.config import TrainerConfig
from humpback_exp.diagnosis.collective import SECONDS
from humpback_exp.diagnosis.finding import BROKEN, DOUBTFUL, Finding, finding
from humpback_exp.distributed import started_outside
from humpback_exp.execution.ranks import start_ranks
from humpback_exp.planning.machine import visible_gpus

MODULE = "humpback_exp.diagnosis.collective"
SLOW = {"nccl": 10e9, "gloo": 0.1e9}
"""Bytes a second of bus bandwidth below which ZeRO-3 waits for the network most of the time (ours)."""


def check_ranks(trainer: TrainerConfig) -> list[Finding]:
    """Ranks of this node, or all that srun or torchrun started with this command, add up a tensor together."""
    if trainer.accelerator == "gpu" and len(visible_gpus()) < trainer.devices:
        remedy = f"run this on a node with {trainer.devices} GPUs"
        return [Finding("ranks", f"not asked: {len(visible_gpus())} GPUs for {trainer.devices} ranks", BROKEN, remedy)]
    if trainer.devices == 1 and not started_outside():
        return [Finding("ranks", "one, which meets nobody")]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        count = 1 if started_outside() else trainer.devices
        status = run_ranks(result, count)
        if status or not result.exists():
            remedy = "look at the ranks' lines above; NCCL_DEBUG=INFO says more, NCCL_SOCKET_IFNAME names the network"
            return [Finding("ranks", f"no meeting of {count} ranks in {SECONDS:.0f} s", BROKEN, remedy)]
        told = json.loads(result.read_text(encoding="utf-8"))
    name = f"{told['ranks']} ranks, {told['backend']}"
    speed = f"{told['speed'] / 1e9:.2f} GB/s of bus bandwidth"
    fast = told["ranks"] == 1 or told["speed"] >= SLOW[told["backend"]]
    findings = [
        finding(
            name, "sums agree", told["whole"], "sums differ: a GPU or a link is broken; run the node's diagnostics"
        ),
        finding(name, speed, fast, "look for a slow or a wrong network interface (NCCL_SOCKET_IFNAME)", DOUBTFUL),
    ]
    if trainer.nodes > 1 and not started_outside():  # one node cannot find it out by itself
        command = f"srun --nodes={trainer.nodes} --ntasks-per-node={trainer.devices} python doctor.py ..."
        findings.append(Finding("ranks between nodes", "not asked", DOUBTFUL, f"inside an allocation: {command}"))
    return findings


def run_ranks(result: Path, count: int) -> int:
    """Start `count` ranks here, or the one that stands for this process, and return the first bad status or 0."""
    processes = start_ranks([MODULE, str(result)], count, keep=[])
    deadline = time.monotonic() + 2 * SECONDS
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        process.kill()
    return next((code for process in processes if (code := process.wait())), 0)
