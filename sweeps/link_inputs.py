"""After `wandb sync`: the lineage edges that offline runs could not draw. May be run again after every sync."""

from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from humpback_exp.config import LinkConfig, load
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("link_inputs_schema", LinkConfig)


@hydra.main(version_base="1.3", config_path="../conf", config_name="link_inputs")
def main(cfg: DictConfig) -> None:
    exit_on_user_error(lambda: run(load(cfg, LinkConfig)))


def run(config: LinkConfig) -> None:
    from humpback_exp.tracking.lineage import nodes
    from humpback_exp.tracking.link import connected, link

    graph = nodes(Path(config.output_root))
    with connected() as api:
        done = link(graph, api)
    print(f"{done.added} inputs linked, {done.there} were linked already, {done.waiting} wait for a sync")


if __name__ == "__main__":
    user_errors(main)
