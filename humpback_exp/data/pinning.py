"""Hub datasets at a commit: what a run reads stands still, though its branch moves on."""

import re
from dataclasses import replace
from pathlib import Path

from humpback_exp.config import (
    DatasetConfig,
    EvaluateConfig,
    GateConfig,
    SegmentConfig,
    StageConfig,
    TrainConfig,
    read,
)
from humpback_exp.data.hub import commit_of, is_hub_corpus, is_hub_id, snapshot

COMMIT = re.compile(r"[0-9a-f]{40}")


def is_here(path: str, dataset: DatasetConfig) -> bool:
    """Whether a source lies on this machine, or on the Hub at a commit, for which `pinned` has fetched it."""
    return Path(path).exists() or (is_hub_id(path) and COMMIT.fullmatch(dataset.revision or "") is not None)


def pinned(config: StageConfig) -> StageConfig:
    """A config whose Hub datasets stand at a commit, so that every rank and every later session reads the same.

    Raises:
        ValueError: the pairs it reads are neither here nor to be had; said before any work.
    """
    match config:
        case TrainConfig() if config.data.seed_path is not None:
            dataset = at_commit(config.data.seed_path, config.data.dataset, "data.seed_path")
            return replace(config, data=replace(config.data, dataset=dataset))
        case EvaluateConfig():
            return replace(config, heldout_dataset=at_commit(config.heldout, config.heldout_dataset, "heldout"))
        case GateConfig():
            dataset = at_commit(config.gate.path, config.gate.dataset, "gate.path")
            return replace(config, gate=replace(config.gate, dataset=dataset))
        case SegmentConfig() if is_hub_corpus(config.corpus):
            return _corpus_at_commit(config)
    return config


def at_commit(path: str, dataset: DatasetConfig, key: str) -> DatasetConfig:
    """The options with the commit that their revision stands for now; unchanged for what lies on this machine."""
    if is_here(path, dataset):
        return dataset
    return replace(dataset, revision=snapshot(path, dataset.revision, key).name)


def _corpus_at_commit(config: SegmentConfig) -> SegmentConfig:
    """The same for pages that are streamed. What was begun without a commit, by an earlier version, stays what it is."""
    corpus, frozen = config.corpus, config.folder / "config.yaml"
    wanted = corpus.dataset.revision
    if COMMIT.fullmatch(wanted or ""):
        return config
    if frozen.exists() and read(frozen, SegmentConfig).corpus.dataset.revision == wanted:
        return config
    dataset = replace(corpus.dataset, revision=commit_of(corpus.path, wanted))
    return replace(config, corpus=replace(corpus, dataset=dataset))
