"""What tells the runs of a sweep apart: which differ by their seed alone, and what else differs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from humpback_exp.analysis.points import Point
from humpback_exp.analysis.studies import Study


def alike(points: Sequence[Point]) -> list[tuple[str, list[Point]]]:
    """Runs grouped by all that made them but the seed, each group with what sets it apart, "" where there is one.

    A group holds one run a seed, by seed: sizes beyond what there is select the same pairs, and count once.
    """
    groups: dict[tuple[tuple[str, str], ...], dict[int, Point]] = {}
    for point in points:
        groups.setdefault(tuple(sorted(_made_by(point).items())), {}).setdefault(point.seed, point)
    unset = {key: "unset" for facts in groups for key, _ in facts}
    differing = _differing([unset | dict(facts) for facts in groups])
    return [
        (", ".join(_shown(members, key) for key in differing), [members[seed] for seed in sorted(members)])
        for members in groups.values()
    ]


def also_differ(study: Study, points: Sequence[Point]) -> list[str]:
    """What else but the study's own settings and the seed made its runs differ, so that it may explain a gap."""
    facts = [_recipe(point) | {"heldout": point.evaluation.input_fingerprint("heldout") or ""} for point in points]
    return [key for key in _differing(facts) if key not in study.keys]


def judged_by(point: Point) -> dict[str, str]:
    """What its win rate is by: the judge, and the opponent by all that made it but the seed, as each seed has its own."""
    run, opponent = point.evaluation, point.opponent
    return {
        "judge.path": repr(run.input_fingerprint("judge.path")),
        "judge.template": repr(run.manifest.config.get("judge.template")),
        "reference": repr(
            run.input_fingerprint("reference") if opponent is None else sorted(_recipe(opponent).items())
        ),
    }


def judged_alike(points: Sequence[Point]) -> bool:
    """Whether the win rates of all that were judged are by the same judge and against the same model's answers."""
    found = [judged_by(point) for point in points if point.wins]
    return all(one == found[0] for one in found)


def _differing(facts: Sequence[Mapping[str, str]]) -> list[str]:
    keys = {key for each in facts for key in each}
    return sorted(key for key in keys if len({each[key] for each in facts if key in each}) > 1)


def _facts(point: Point) -> dict[str, str]:
    """Config of the evaluation and of its model, and the fingerprints of what they read."""
    model = point.model.manifest if point.model else None
    facts = dict(point.evaluation.manifest.config) | (dict(model.config) if model else {})
    sources = {key: value["fingerprint"] for key, value in (model.inputs if model else {}).items()}
    if model is None:
        sources["model_path"] = point.evaluation.input_fingerprint("model_path") or ""
    return {key: repr(value) for key, value in (facts | sources).items()}


def _made_by(point: Point) -> dict[str, str]:
    """All that made it and its figures, but the seed; the judge only where one was asked."""
    return _recipe(point) | (judged_by(point) if point.evaluation.manifest.config.get("judge.prompts") else {})


def _recipe(point: Point) -> dict[str, str]:
    """The facts without the seed and all that follows from it: other seeds have scores of their own, by the same rules."""
    facts = {key: value for key, value in _facts(point).items() if key != "seed"}
    for source, key in (("seed", "data.seed_size"), ("web", "data.size")):
        if point.short(source):
            facts[key] = repr(None)
    if point.scored is not None:
        config = {key: value for key, value in point.scored.manifest.config.items() if key != "seed"}
        facts["data.scored"] = repr((point.rounds, sorted(config.items())))
    return facts


def _shown(members: Mapping[int, Point], key: str) -> str:
    """A setting as a reader knows it: of a path the last two names."""
    point = next(iter(members.values()))
    path = (point.model.input_path(key) if point.model else None) or point.evaluation.input_path(key)
    return f"{key} {'/'.join(Path(path).parts[-2:]) if path else _made_by(point).get(key, 'unset')}"
