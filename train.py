"""seed (+ scored candidates) -> model, forward or backward. `python train.py --help` lists every option."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import TrainConfig, load
from humpback_exp.errors import door, user_errors
from humpback_exp.launch import launch

ConfigStore.instance().store("train_schema", TrainConfig)


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> None:
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    door(lambda: launch(load(cfg, TrainConfig), fresh=sweep), sweep)


if __name__ == "__main__":
    user_errors(main)
