"""seed (+ scored candidates) -> model, forward or backward. `python train.py --help` lists every option."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import PointConfig, StageConfig, load, swept
from humpback_exp.errors import user_errors
from humpback_exp.execution.launch import enter
from humpback_exp.workflow.steps import training_steps

ConfigStore.instance().store("train_schema", swept(PointConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> list[StageConfig] | None:
    return enter(lambda: training_steps(load(cfg, PointConfig)), sweep=HydraConfig.get().mode == RunMode.MULTIRUN)


if __name__ == "__main__":
    user_errors(main)
