"""Two evaluations, or candidates + people -> annotations. `python annotate.py evals=m1,base raters=3` serves the page.

The same command with export=true writes what they judged and prints the summary.
"""

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from humpback_exp.config import AnnotateConfig, load
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("annotate_schema", AnnotateConfig)


@hydra.main(version_base="1.3", config_path="conf", config_name="annotate")
def main(cfg: DictConfig) -> None:
    from humpback_exp.annotation.export import export
    from humpback_exp.annotation.serve import serve

    def run() -> None:
        config = load(cfg, AnnotateConfig)
        (export if config.export else serve)(config)

    exit_on_user_error(run)


if __name__ == "__main__":
    user_errors(main)
