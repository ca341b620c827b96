"""scored, selected -> rewritten: the web text of each kept pair, rewritten as an answer by the model that rated it."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import RewriteConfig, StageConfig, load, swept
from humpback_exp.errors import user_errors
from humpback_exp.execution.launch import enter

ConfigStore.instance().store("rewrite_schema", swept(RewriteConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="rewrite")
def main(cfg: DictConfig) -> list[StageConfig] | None:
    return enter(lambda: [load(cfg, RewriteConfig)], sweep=HydraConfig.get().mode == RunMode.MULTIRUN)


if __name__ == "__main__":
    user_errors(main)
