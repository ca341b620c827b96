"""known-good pairs + rating model -> may its ratings be trusted? `python gate.py --help` lists every option."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import GateConfig, load
from humpback_exp.launch import door, launch, user_errors

ConfigStore.instance().store("gate_schema", GateConfig)


@hydra.main(version_base="1.3", config_path="conf", config_name="gate")
def main(cfg: DictConfig) -> None:
    sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    door(lambda: launch(load(cfg, GateConfig), fresh=sweep), sweep)


if __name__ == "__main__":
    user_errors(main)
