"""seed (+ scored) -> model. Forward and backward models come from here alike; `data.direction` tells them apart."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import TrainConfig
from humpback_exp.curation.selection import ids_hash
from humpback_exp.data.examples import training_examples
from humpback_exp.data.sampler import schedule
from humpback_exp.data.token_cache import cached_tokens
from humpback_exp.distributed import rank
from humpback_exp.planning.machine import assumed_hardware
from humpback_exp.planning.training import Training
from humpback_exp.progress import log
from humpback_exp.stages.finish import finish_stage
from humpback_exp.tracking import Tracker

CACHE = "cache/tokens"
"""Below output_root."""


def run(config: TrainConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Train from the base model and export a Hugging Face folder, which counts once it is verified."""
    started, first = time.time(), rank() == 0
    from humpback_exp.modeling.export.verify import verify
    from humpback_exp.modeling.export.write import export
    from humpback_exp.modeling.load import load_tokenizer, require_context
    from humpback_exp.modeling.process_group import leave_together
    from humpback_exp.modeling.trainer import fit

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
    timed = Training(config, len(tokens), tokens.total / len(tokens), batch_size, max_steps)
    every = timed.checkpoint_every(assumed_hardware(config.trainer.accelerator))
    config = replace(config, trainer=replace(config.trainer, checkpoint_every=every))
    module, history = fit(config, tokens, tokenizer.pad_token_id, batch_size, max_steps, tracker)
    export(module.model, tokenizer, config.model, artifact.folder, writes=first)
    differences = verify(module.model, tokenizer, config, artifact.folder, first)
    leave_together()
    if not first:
        return artifact.manifest
    history.write(artifact.folder)
    web, too_long = tokens.row_ids("web"), tokens.counts.get(reasons.TOO_LONG)
    figures = {"loss": history.rows[-1][1]} | history.speed | differences
    return finish_stage(
        artifact,
        tracker,
        f"train {config.name}, examples",
        started=started,
        rows={"examples": len(tokens), "seed": len(tokens) - len(web), "web": len(web)},
        drops={reasons.TOO_LONG: too_long} if too_long else {},
        metrics=figures | {"web_ids_sha256": ids_hash(web), "cut": tokens.counts.get(reasons.CUT, 0)},
        shown={"first loss": history.rows[0][1], "last loss": history.rows[-1][1]} | history.speed,
    )
