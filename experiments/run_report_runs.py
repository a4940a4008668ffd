"""What lies in the folders that a report is about: runs, those without a result, finished works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue.envs.base.errors import SegueError
from segue.experiments.compare_cloning import AGENT, found_beside
from segue.experiments.compare_runs import CLONING, DEPTH, Run, find_runs, test_difference
from segue.experiments.generator_names import is_of_another
from segue.experiments.manifest import MANIFEST
from segue.experiments.run_folder import CONFIG, RunFolder, read_config
from segue.experiments.run_result import RESULT
from segue.experiments.sweep_plan import VALIDATION_SEED
from segue.experiments.train_config import TrainConfig

WORKS = ("film.mp4", "tune.wav")
"""Files by which the folder of a finished film or tune is known."""
UNFINISHED, DAMAGED, LEFT_OUT = "unfinished", "damaged", "left out"


@dataclass(frozen=True)
class Trouble:
    """A run that gave no result, or one that cannot be shown.

    Attributes
    ----------
    path : Path
        Its folder.
    kind : str
        ``"unfinished"``, ``"damaged"`` or ``"left out"``.
    reason : str
        A sentence.
    config : TrainConfig or None
        Its settings, where they can be read.
    """

    path: Path
    kind: str
    reason: str
    config: TrainConfig | None = None


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes
    ----------
    runs : list of Run
        Finished, each once.
    troubles : list of Trouble
        Runs that are not among them.
    works : list of Path
        Folders of films and tunes that ``segue edit``, ``demo`` and ``compose`` made.
    """

    runs: list[Run]
    troubles: list[Trouble]
    works: list[Path]


def survey(paths: Sequence[Path]) -> Survey:
    """Look through folders; whatever is wrong with a run is told, not raised.

    Parameters
    ----------
    paths : sequence of Path
        Folders of runs or works, or folders that hold some, up to `DEPTH` levels below.

    Raises
    ------
    SegueError
        If a named folder is missing or holds nothing that could be reported.
    """
    runs: dict[Path, Run] = {}
    troubles: dict[Path, Trouble] = {}
    works: dict[Path, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise SegueError(f"{path} is no folder; name runs, or folders that hold some.")
        before = len(runs) + len(troubles) + len(works)
        named = _is_one(path)
        for folder in [path] if named else _below(path, DEPTH):
            key = folder.resolve()
            if key in runs or key in troubles or key in works:
                before -= 1
            elif _is_work(folder):
                works[key] = folder
            else:
                found = _judged(folder, named)
                if isinstance(found, Run):
                    runs[key] = found
                else:
                    troubles[key] = found
        if len(runs) + len(troubles) + len(works) == before:
            raise SegueError(
                f"{path} holds no run up to {DEPTH} levels below; name runs of segue train, edit "
                "or demo, or folders that hold some."
            )
    return Survey(list(runs.values()), list(troubles.values()), list(works.values()))


def parted(runs: Sequence[Run]) -> list[list[Run]]:
    """Put runs together that were tested on the same episodes, and cloning beside them to these.

    Returns
    -------
    list of list of Run
        By environment, the larger first; each part can be compared.
    """
    parts: list[list[Run]] = []
    for run in runs:
        for part in parts:
            if part[0].result.env == run.result.env and not test_difference(part[0], run):
                part.append(run)
                break
        else:
            parts.append([run])
    parts.sort(key=lambda part: (part[0].result.env, -len(part[0].result.returns), -len(part)))
    return [_with_cloning(part) for part in parts]


def _with_cloning(part: list[Run]) -> list[Run]:
    if any(run.result.agent == AGENT for run in part):
        return part
    return [*part, *found_beside(part)]


def _is_one(folder: Path) -> bool:
    """Whether a folder is a run or a work itself."""
    named = (folder / CONFIG).is_file() or (folder / RESULT).is_file()
    return _is_work(folder) or (named and not _is_other(folder))


def _is_work(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and any((folder / name).is_file() for name in WORKS)


def _below(path: Path, depth: int) -> Iterator[Path]:
    """Give the folders of runs and works in a folder."""
    for folder in sorted(path.iterdir()):
        if not folder.is_dir() or folder.name.startswith(".") or folder.name == CLONING:
            continue
        if _is_one(folder):
            yield folder
        elif depth > 1:
            yield from _below(folder, depth - 1)


def _is_other(folder: Path) -> bool:
    """Whether the settings there are those of another verb, such as a sweep's or a generator's."""
    if (folder / RESULT).is_file():
        return False
    if (folder / "checkpoints").is_dir():
        return is_of_another(folder)
    try:
        read_config(RunFolder(folder), TrainConfig)
    except SegueError:
        return True
    return False


def _judged(folder: Path, named: bool) -> Run | Trouble:
    """Read a run, or say why there is none to read."""
    try:
        config = read_config(RunFolder(folder), TrainConfig)
    except SegueError as error:
        return Trouble(folder, DAMAGED, str(error))
    if not (folder / RESULT).is_file():
        return Trouble(folder, UNFINISHED, "It has no result.", config)
    try:
        (run,), _ = find_runs([folder])
    except SegueError as error:
        return Trouble(folder, DAMAGED, str(error), config)
    if run.result.test_seeds[0] >= VALIDATION_SEED and not named:
        return Trouble(folder, LEFT_OUT, "It was judged on episodes for tuning.", config)
    return run


__all__ = ["DAMAGED", "LEFT_OUT", "UNFINISHED", "Survey", "Trouble", "parted", "survey"]
