"""A W&B workspace and a report for a sweep, by name: `sweep=curation_threshold`. With output=FILE they are only written there."""

import json
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from humpback_exp.config import DashboardConfig, load
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("dashboards_schema", DashboardConfig)


@hydra.main(version_base="1.3", config_path="../conf", config_name="dashboards")
def main(cfg: DictConfig) -> None:
    exit_on_user_error(lambda: run(load(cfg, DashboardConfig)))


def run(config: DashboardConfig) -> None:
    from humpback_exp.tracking import dashboards, lineage, sweeps
    from humpback_exp.tracking.link import connected

    sweep = sweeps.read(Path(__file__).with_name(f"{config.sweep}.yaml"))
    upstream = lineage.upstream(Path(config.output_root), sweep.group)
    if config.output:
        text = json.dumps(dashboards.specs(sweep, upstream, config.project), indent=1)
        Path(config.output).write_text(text + "\n", encoding="utf-8")
        print(f"workspace and report: {config.output}")
        return
    with connected() as api:
        for url in dashboards.save(sweep, upstream, config.entity or api.default_entity, config.project):
            print(url)


if __name__ == "__main__":
    user_errors(main)
