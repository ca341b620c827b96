"""`wandb sync` of a run in two sessions: to a stand-in of the server, for there is none to be had here."""

import json
import subprocess
import sys
import time
from pathlib import Path

from humpback_exp import artifacts
from tests.conftest import ROOT, run
from tests.tracking.folders import chain
from tests.tracking.offline import recorded
from tests.tracking.server import Server

SESSION = """
import sys
from pathlib import Path
from humpback_exp import artifacts
from humpback_exp.tracking import track
config, artifact = artifacts.open_stage(Path(sys.argv[1]))
with track(config, artifact) as tracker:
    for rows in sys.argv[2:]:
        tracker.log({"rows_per_second": float(rows) / 10}, int(rows))
    if rows != "40":
        sys.stdin.read()
"""


def test_a_resumed_run_goes_on_in_its_own_line(tmp_path: Path, server: Server) -> None:
    root = tmp_path / "outputs"
    _, config = chain(root)
    artifacts.begin(config)
    command = [sys.executable, "-c", SESSION, config.folder, "10", "20", "30"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as killed:
        while not any(len(session.history) == 3 for session in recorded(root)):
            time.sleep(0.5)
        killed.kill()
    assert run("-c", SESSION, config.folder, 30, 40).returncode == 0  # 30 was done, but not committed
    first, second = recorded(root)
    assert first.run["run_id"] == second.run["run_id"]
    assert [[item["rows"] for item in session.history] for session in (first, second)] == [[10, 20, 30], [30, 40]]

    tool = str(Path(sys.executable).with_name("wandb"))
    key = {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": server.url, "HOME": str(tmp_path)}
    synced = subprocess.run([tool, "sync", str(root / "wandb")], env=key, cwd=tmp_path, capture_output=True, text=True)
    assert synced.returncode == 0, synced.stderr
    ((name, lines),) = server.history.items()
    assert name == first.run["run_id"]
    assert [line["rows"] for line in lines] == [10, 20, 30, 30, 40]
    assert [line["rows_per_second"] for line in lines] == [1.0, 2.0, 3.0, 3.0, 4.0]
    sent = server.runs[name]
    assert (sent["groupName"], sent["jobType"], sent["displayName"]) == ("loop", "select", "m0-a4.5")
    assert json.loads(sent["config"])["min_score"] == {"value": 4.5}
