"""seed (+ scored) -> model. Forward and backward models come from here alike; `data.direction` tells them apart."""

import time
from functools import partial
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import TrainConfig
from humpback_exp.curation.selection import ids_hash
from humpback_exp.data.examples import training_examples
from humpback_exp.data.sampler import schedule
from humpback_exp.data.token_cache import TokenCache, cached_tokens
from humpback_exp.distributed import rank
from humpback_exp.progress import log, stage_table
from humpback_exp.tracking import Tracker

CACHE = "cache/tokens"
"""Below output_root."""


def run(config: TrainConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Train from the base model and export a Hugging Face folder, which counts once it is verified."""
    started, first = time.time(), rank() == 0
    from humpback_exp.modeling.export.verify import verify
    from humpback_exp.modeling.export.write import export
    from humpback_exp.modeling.load import load_tokenizer, require_context
    from humpback_exp.modeling.trainer import fit, leave_together

    tokenizer = load_tokenizer(config.model.path, config.model.template)
    require_context(config.model.path, config.data.max_length)
    made_from = {
        key: value["fingerprint"] for key, value in artifact.manifest.inputs.items() if key.startswith("data.")
    }
    examples = partial(training_examples, config.data, config.seed)
    tokens = cached_tokens(Path(config.output_root) / CACHE, tokenizer, config.data, config.seed, made_from, examples)
    batch_size, max_steps = schedule(config.optim, len(tokens))
    log.info(
        "%s: %d examples, %d tokens, %d labelled; %d steps of %d",
        config.name, len(tokens), tokens.total, tokens.labelled, max_steps, batch_size,
    )  # fmt: skip
    module, history = fit(config, tokens, tokenizer.pad_token_id, batch_size, max_steps, tracker)
    export(module.model, tokenizer, config.model, artifact.folder, writes=first)
    differences = verify(module.model, tokenizer, config, artifact.folder, first)
    leave_together()
    if not first:
        return artifact.manifest
    history.write(artifact.folder)
    manifest = close(artifact, tokens, {"loss": history.rows[-1][1]} | history.speed | differences, started)
    figures = {"first loss": history.rows[0][1], "last loss": history.rows[-1][1]} | history.speed
    title, examined, seconds = f"train {config.name}, examples", tokens.table.num_rows, manifest.wall_seconds
    stage_table(title, examined, len(tokens), manifest.drops, seconds, artifact.folder, figures)
    return manifest


def close(artifact: Artifact, tokens: TokenCache, figures: dict[str, float], started: float) -> Manifest:
    """Finish the folder with what was trained on: numbers by source, and the hash of the web pairs' ids."""
    web = tokens.row_ids("web")
    return artifacts.finish(
        artifact,
        started=started,
        rows={"examples": len(tokens), "seed": len(tokens) - len(web), "web": len(web)},
        drops={"too long": tokens.counts["too long"]} if "too long" in tokens.counts else {},
        metrics=figures | {"web_ids_sha256": ids_hash(web), "cut": tokens.counts.get("cut", 0)},
    )
