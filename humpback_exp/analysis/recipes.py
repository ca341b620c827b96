"""All that made an evaluated model and its figures, the seed left out: what two runs differ in, and who judged them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from humpback_exp.analysis.ablation import Ablation
from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.analysis.measures import WIN
from humpback_exp.artifacts.catalog import Catalog, Folder, differing, inputs_of

NOT_ASKED = ("judge.prompts", "judge.calibration", "judge.calibration_pairs", "judge.annotations")
"""Options of the judge that change no verdict, and verdicts made elsewhere, whose file is another for every run."""
OURS = ("segments", "candidates", "models", "scored", "rewritten")
"""Kinds of folders that a loop makes for itself."""


def judged_alike(runs: Sequence[Evaluation]) -> bool:
    """Whether the win rates of all that were judged are by the same judge and against the same model's answers."""
    found = [_judged_by(run) for run in runs if run.rows[WIN.key]]
    return all(one == found[0] for one in found)


def also_differ(ablation: Ablation, runs: Sequence[Evaluation]) -> list[str]:
    """What else but the ablation's own settings and the seed made its runs differ, so that it may explain a gap."""
    facts = [_recipe(run) | {"heldout": run.folder.fingerprint_of("heldout") or ""} for run in runs]
    common = set.intersection(*(set(each) for each in facts))
    return [
        key for key in differing([{key: each[key] for key in common} for each in facts]) if key not in ablation.keys
    ]


def _judged_by(run: Evaluation) -> dict[str, str]:
    """All that the judge was asked, of which answers, and the opponent by all that made it but the seed."""
    manifest, reference = run.folder.manifest, run.folder.fingerprint_of("reference")
    made = manifest.config | {key: value["fingerprint"] for key, value in manifest.inputs.items()}
    judge = {key: repr(value) for key, value in made.items() if key.startswith("judge.") and key not in NOT_ASKED}
    return judge | {"reference": repr(reference if run.opponent is None else sorted(_recipe(run.opponent).items()))}


def made_by(run: Evaluation) -> dict[str, str]:
    """All that made it and its figures, but the seed; the judge only where one was asked."""
    return _recipe(run) | (_judged_by(run) if run.folder.manifest.config.get("judge.prompts") else {})


def _recipe(run: Evaluation) -> dict[str, str]:
    """The facts without the seed and all that follows from it: other seeds have scores of their own, by the same rules."""
    facts = {key: value for key, value in _facts(run).items() if key != "seed"}
    for source, key in (("seed", "data.seed_size"), ("web", "data.size")):
        if run.short(source):
            facts[key] = repr(None)
    if run.scored is not None:
        facts["data.scored"] = repr((run.rounds, _made(run.catalog, run.scored)))
    return facts


def _made(catalog: Catalog, folder: Folder) -> list[tuple[str, Any]]:
    """All that a folder was made by and from, without the seed of any folder on the way, for a loop has one of its own."""
    made = {key: value for key, value in folder.manifest.config.items() if key != "seed"}
    for source in inputs_of(folder.manifest):
        found = catalog.find(source)
        gone = found is None and Path(source.path).parent.name in OURS  # its fingerprint would tell the seed
        made[source.key] = _made(catalog, found) if found else Path(source.path).name if gone else source.fingerprint
    return sorted(made.items())


def _facts(run: Evaluation) -> dict[str, str]:
    """Config of the evaluation and of its model, and the fingerprints of what the model was made from."""
    made: dict[str, Any] = {"model_path": run.folder.fingerprint_of("model_path")}
    if run.model is not None:
        sources = {key: value["fingerprint"] for key, value in run.model.manifest.inputs.items()}
        made = run.model.manifest.config | sources
    return {key: repr(value) for key, value in (run.folder.manifest.config | made).items()}


def shown(run: Evaluation, key: str) -> str:
    """A setting as a reader knows it: of a path the last two names."""
    path = (run.model.path_of(key) if run.model else None) or run.folder.path_of(key)
    own = made_by(run).get(key, "unset")
    return f"{key} {'/'.join(Path(path).parts[-2:]) if path else 'none' if own == repr(None) else own}"
