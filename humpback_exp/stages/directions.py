"""What a model was trained to write, before it is asked to write something else."""

from pathlib import Path

from humpback_exp import artifacts

REMEDY = {
    "backward": "give one trained with experiment=backward",
    "forward": "give one that answers, as experiment=m0 trains it",
}


def check_direction(model_path: str, direction: str, tagged: bool) -> None:
    """Raise ValueError when the model is one of ours, but was trained the other way or under the other tag setting."""
    if not artifacts.is_finished(Path(model_path)):
        return
    made = artifacts.load(Path(model_path)).config
    if made.get("data.direction") != direction:
        raise ValueError(f"model_path={model_path}: a {made.get('data.direction')} model; {REMEDY[direction]}")
    if made.get("data.tagged") != tagged:
        raise ValueError(
            f"tagged={tagged}: the model was trained with data.tagged={made.get('data.tagged')}; use the same"
        )
