"""A sweep's settings and the paper's points -> what each panel shows."""

from collections.abc import Sequence

from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.plots import Mark, Panel
from humpback_exp.analysis.questions import Question
from humpback_exp.analysis.settings import LOSS, WIN, Measure, Setting
from humpback_exp.analysis.studies import Study


def panels(study: Study, question: Question, told: Sequence[Setting], paper: Sequence[Published]) -> list[Panel]:
    """Our win rates, the paper's beside them, our losses and their changes; what was not measured is left out."""
    found = _ours(study, told, WIN, "%")
    if paper:
        lines: dict[str, list[Mark]] = {}
        for one in paper:
            reach = 1.96 * (one.error or 0.0)
            mark = Mark(one.x, one.win_rate, one.win_rate - reach, one.win_rate + reach)
            lines.setdefault(one.series, []).append(mark)
        axis = study.x if any(one.x for one in paper) else ""
        found.append(Panel("paper", "The paper", "win rate, %", axis, lines))
    return [*found, *_ours(study, told, LOSS, LOSS.unit), *_changes(study, question, told)]


def _ours(study: Study, told: Sequence[Setting], measure: Measure, unit: str) -> list[Panel]:
    """A line for each series, no axis where each has one setting only, and no panel where nothing was measured."""
    lines: dict[str, list[Mark]] = {}
    for setting in told:
        figure = setting.figures.get(measure.key)
        if figure is not None:
            seeds = setting.means(measure)
            dots = tuple(seeds) if len(seeds) > 1 else ()
            lines.setdefault(setting.place.series, []).append(Mark(_x(setting, told), figure.value, *figure.ends, dots))
    return [Panel(measure.key, "Ours", f"{measure.name}, {unit}", study.x, lines)] if lines else []


def _x(setting: Setting, told: Sequence[Setting]) -> float | None:
    """None where each series has one setting only: they then stand in rows."""
    along = len({each.place.series for each in told}) < len(told) or len(told) == 1
    return setting.place.x if along else None


def _changes(study: Study, question: Question, told: Sequence[Setting]) -> list[Panel]:
    """What the table says of losses: paired, and so many times narrower than the losses' own intervals."""
    lines: dict[str, list[Mark]] = {}
    for setting in told:
        made = question.table.get(setting)
        change = made.changes.get(LOSS.key) if made else None
        if made and change:
            pairs = zip(setting.means(LOSS), made.theirs.means(LOSS), strict=made.by_seed)
            dots = tuple(ours - theirs for ours, theirs in pairs) if made.by_seed and len(setting.points) > 1 else ()
            mark = Mark(_x(setting, told), change.value, *change.ends, dots)
        elif setting is question.base and question.table and not study.by_round:
            mark = Mark(_x(setting, told), 0.0, 0.0, 0.0)
        else:
            continue
        lines.setdefault(setting.place.series, []).append(mark)
    name = f"{LOSS.key}_change"
    return [Panel(name, "Ours, change", f"change in {LOSS.name}, nats", study.x, lines, zero=True)] if lines else []
