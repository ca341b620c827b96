"""What stages read and write: is every input there or made before, is no folder another config's, is the judge impartial?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts.addresses import is_remote
from humpback_exp.config import EvaluateConfig, SegmentConfig, StageConfig, input_paths
from humpback_exp.config.bounds import require
from humpback_exp.data.hub import OPTIONS, is_hub_id
from humpback_exp.data.pinning import pinned
from humpback_exp.data.sources import SETS

FOLDERS = ("data.scored", "data.as_many_as", "candidates", "reference", "stored_answers")
"""Keys of folders that stages make, wherever they lie; a model may be a Hub id."""
FILES_TOO = ("reference", "stored_answers", "candidates")
"""Of these, the keys that may name a file: AlpacaEval's answers, or labelled pairs."""
FILES = ("judge.prompt", "judge.calibration", "judge.annotations", "heldout_dataset.without", "corpus.blocked_urls")


def all_pinned(stages: Sequence[StageConfig]) -> list[StageConfig]:
    """The stages with their Hub datasets at a commit; those as they are whose pairs other stages make."""
    made = {stage.folder for stage in stages}
    return [stage if _reads_pairs_of(made, stage) else pinned(stage) for stage in stages]


def _reads_pairs_of(made: set[Path], stage: StageConfig) -> bool:
    """Whether the pairs that a stage reads lie in a folder that other stages make, such as those of `corpus.questions`."""
    return any(
        (key in OPTIONS or key.startswith(SETS)) and _inside(path, made) for key, path in input_paths(stage).items()
    )


def _inside(path: str, folders: set[Path]) -> bool:
    return not folders.isdisjoint([Path(path), *Path(path).parents])


def check_inputs(stages: Sequence[StageConfig]) -> None:
    """Raise the ValueError of the first folder or file that is neither here, nor on the Hub, nor made by a stage before."""
    made: set[Path] = set()
    for stage in stages:
        if isinstance(stage, SegmentConfig) and not artifacts.is_finished(stage.folder):
            _check_pages(stage)
        for key, path in input_paths(stage).items():
            if _inside(path, made):
                continue
            if key in OPTIONS or key.startswith(SETS):
                there = Path(path).exists() or (key in OPTIONS and is_hub_id(path))
                require(there, key, path, "no such file; give JSON lines with instruction and output")
            elif key in FILES:
                require(Path(path).is_file(), key, path, "no such file")
            elif key in FILES_TOO and Path(path).is_file():
                continue
            elif key in FOLDERS or _ours(Path(path), stage):
                artifacts.load(Path(path))
        made.add(stage.folder)


def _check_pages(stage: SegmentConfig) -> None:
    """Raise unless pages may lie where they are looked for; what is at an address or on the Hub is seen when they are listed."""
    pages = stage.corpus.path
    there = Path(pages).exists() or is_remote(pages) or is_hub_id(pages)
    require(there, "corpus.path", pages, "no such file or folder; point it at a folder of .html or .warc.gz files")
    inside = Path(pages).is_dir() and stage.folder.resolve().is_relative_to(Path(pages).resolve())
    require(
        not inside,
        "output_root",
        stage.output_root,
        f"lies in corpus.path={pages}, whose pages must stay what they are; choose another folder",
    )


def _ours(path: Path, stage: StageConfig) -> bool:
    """Whether a stage made what lies at a path below the output root, or has still to make it; a model may be the user's."""
    return Path(stage.output_root) in path.parents and (artifacts.is_begun(path) or not path.exists())


def check_judges(stages: Sequence[StageConfig]) -> None:
    """Raise the ValueError of a judge that is one of the two models it compares, unless that is asked for by name."""
    models = {str(stage.folder): stage.model_path for stage in stages if isinstance(stage, EvaluateConfig)}
    for stage in stages:
        if not isinstance(stage, EvaluateConfig) or artifacts.is_finished(stage.folder):
            continue
        if not (stage.judge.asked and stage.reference):
            continue
        ours = _asked_model(stage.stored_answers, models) if stage.stored_answers else stage.model_path
        impartial = stage.judge.may_judge_itself or stage.judge.path not in (
            ours,
            _asked_model(stage.reference, models),
        )
        bound = "is one of the two models that it compares; name another judge, or set judge.may_judge_itself=true"
        require(impartial or stage.judge.path is None, "judge.path", stage.judge.path, bound)


def _asked_model(path: str, models: Mapping[str, str]) -> str | None:
    """The model whose answers an evals folder holds; None of a file."""
    made = artifacts.load(Path(path)).inputs if artifacts.is_finished(Path(path)) else {}
    return models.get(str(Path(path))) or made.get("model_path", {}).get("path")


def check_folders(stages: Sequence[StageConfig], sound: set[Path], moved_by: str = "name") -> None:
    """Raise the ValueError of a folder that holds what another config made.

    Args:
        sound: folders that are known to hold what their stages make; those found to do so are added.
        moved_by: the option that moves the folders.
    """
    missing = {stage.folder for stage in stages if not artifacts.is_finished(stage.folder)}
    for stage in stages:
        # an input that is still to be made cannot be compared with the one there was
        comparable = not any(_inside(path, missing) for path in input_paths(stage).values())
        if stage.folder.exists() and comparable and stage.folder not in sound:
            artifacts.begin(pinned(stage), write=False, moved_by=moved_by)
            sound.add(stage.folder)
