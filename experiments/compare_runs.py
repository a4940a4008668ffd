"""Finding the runs that are to be compared, and which belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.generator_names import is_of_another
from segue.experiments.run_folder import CONFIG, RunFolder, read_config
from segue.experiments.run_result import RESULT, RunResult, read_result
from segue.experiments.sweep_plan import VALIDATION_SEED
from segue.experiments.train_config import TrainConfig

DEPTH = 2
"""Levels below a named folder where runs are looked for."""
CLONING = "cloning"
"""Folder beside runs that holds what a comparison itself trained; looked into only by name."""
_NO_DIFFERENCE = ("env", "agent", "seed", "eval_episodes", "eval_seed", "checkpoint_every")
"""Settings that do not make another agent; what it is tested on must agree anyway."""
_MISSING = "default"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    path : Path
        Its folder.
    config : TrainConfig
        Its settings.
    result : RunResult
        What it gave.
    """

    path: Path
    config: TrainConfig
    result: RunResult

    @property
    def test_options(self) -> dict[str, Any]:
        """Arguments of the environment that it was tested on."""
        return {**self.config.env_options, **self.config.test_options}


@dataclass(frozen=True)
class Group:
    """Runs of one agent with the same settings but for the seed.

    Attributes
    ----------
    label : str
        The agent, and what sets it apart from others of that name.
    runs : tuple of Run
        By seed, each of another.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> list[int]:
        """Of the runs, ascending."""
        return [run.result.seed for run in self.runs]


def find_runs(paths: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Read the runs that are named, or lie in folders that are.

    Parameters
    ----------
    paths : sequence of Path
        Run folders, or folders that hold some, up to `DEPTH` levels below.

    Returns
    -------
    runs : list of Run
        Each once.
    left_out : list of str
        A sentence for each folder in a named one whose run is not finished, or was judged on
        episodes for tuning.

    Raises
    ------
    SegueError
        If a named folder is missing or holds no finished run, or a file is damaged.
    """
    runs: dict[Path, Run] = {}
    left_out: list[str] = []
    for path in paths:
        if _is_run(path):
            runs[path.resolve()] = _read(path)
            continue
        if not path.is_dir():
            raise SegueError(f"{path} is no folder; name runs, or folders that hold some.")
        found = list(_below(path, DEPTH))
        for folder in found:
            if not (folder / RESULT).is_file():
                left_out.append(f"{folder} is not finished; segue train --resume goes on with it.")
                continue
            run = _read(folder)
            if run.result.test_seeds[0] >= VALIDATION_SEED:
                left_out.append(f"{folder} was judged on episodes for tuning.")
                continue
            runs[folder.resolve()] = run
        if not any((folder / RESULT).is_file() for folder in found):
            raise SegueError(
                f"{path} holds no finished run up to {DEPTH} levels below; name runs of segue "
                "train, or test older ones with segue evaluate, which writes what is compared."
            )
    return list(runs.values()), left_out


def by_env(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Part runs by environment, in the order of their ids.

    Raises
    ------
    SegueError
        If runs of one environment were tested on different episodes.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.result.env, []).append(run)
    for of_env in found.values():
        for run in of_env[1:]:
            if difference := test_difference(of_env[0], run):
                raise SegueError(
                    f"{of_env[0].path} and {run.path} were tested on different episodes of "
                    f"{run.result.env} ({difference}); compare them apart, or train with the same "
                    "test options."
                )
    return dict(sorted(found.items()))


def test_difference(one: Run, other: Run) -> str:
    """Say in what the test episodes of two runs of an environment differ; empty if in nothing.

    What is observed is no part of the task.
    """
    first, second = one.test_options, other.test_options
    for name in sorted({*first, *second}):
        ours, theirs = (_plain(of.get(name, _MISSING)) for of in (first, second))
        if ours != theirs and not name.startswith("observation"):
            return f"{name} {ours} and {theirs}"
    seeds = one.result.test_seeds, other.result.test_seeds
    if seeds[0] != seeds[1]:
        return " and ".join(f"{len(of)} seeds from {of[0]}" for of in seeds)
    bounds = one.result.bounds, other.result.bounds
    if (bounds[0] is None) != (bounds[1] is None) or not _close(bounds[0] or (), bounds[1] or ()):
        return "their bounds are not the same, so the environment has changed"
    return ""


def grouped(runs: Sequence[Run]) -> tuple[list[Group], list[str]]:
    """Put runs of one environment together that differ in nothing but the seed.

    Returns
    -------
    groups : list of Group
        By agent, then by label.
    left_out : list of str
        A sentence for each run that only repeats another.

    Raises
    ------
    SegueError
        If two runs with the same settings and seed gave different returns.
    """
    groups: list[Group] = []
    left_out: list[str] = []
    for agent in sorted({run.result.agent for run in runs}):
        of_agent = [run for run in runs if run.result.agent == agent]
        settings = [flat_settings(run.config, _NO_DIFFERENCE, _plain) for run in of_agent]
        _let_seeds_have_their_own(of_agent, settings)
        names = sorted({name for of in settings for name in of})
        differing = [name for name in names if len({of.get(name, "") for of in settings}) > 1]
        parted: dict[tuple[str, ...], list[Run]] = {}
        for run, of in zip(of_agent, settings, strict=True):
            key = tuple(of.get(name, _MISSING) for name in differing)
            parted.setdefault(key, []).append(run)
        for key, members in sorted(parted.items()):
            kept, repeated = _one_a_seed(members)
            left_out += repeated
            groups.append(Group(_label(agent, differing, key), kept))
    return groups, left_out


def _is_run(path: Path) -> bool:
    return (path / CONFIG).is_file() and (path / RESULT).is_file()


def _below(path: Path, depth: int) -> Iterator[Path]:
    """Give the folders of training runs in a folder, finished or not."""
    for folder in sorted(path.iterdir()):
        if not folder.is_dir() or folder.name.startswith(".") or folder.name == CLONING:
            continue
        # Runs of other verbs have settings, too, but no checkpoints, or no environment.
        unfinished = (folder / CONFIG).is_file() and (folder / "checkpoints").is_dir()
        if _is_run(folder) or (unfinished and not is_of_another(folder)):
            yield folder
        elif depth > 1:
            yield from _below(folder, depth - 1)


def _read(path: Path) -> Run:
    config, result = read_config(RunFolder(path), TrainConfig), read_result(path)
    for name in ("env", "agent", "seed"):
        if getattr(config, name) != getattr(result, name):
            raise SegueError(
                f"{path / RESULT} is of another {name} than {CONFIG} beside it; test the run "
                "again with segue evaluate."
            )
    return Run(path, config, result)


def _plain(value: Any) -> str:
    """Write a value such that equal ones are written alike."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return str(value)


def flat_settings(
    config: TrainConfig, without: Sequence[str], write: Callable[[Any], str]
) -> dict[str, str]:
    """Write out the settings of a run, those in mappings with a dotted name.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    without : sequence of str
        Fields that are left out.
    write : callable
        Gives a value as text.
    """
    found: dict[str, str] = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if field.name in without:
            continue
        if isinstance(value, Mapping):
            found |= {f"{field.name}.{key}": write(part) for key, part in value.items()}
        else:
            found[field.name] = write(value)
    return found


def _let_seeds_have_their_own(runs: Sequence[Run], settings: Sequence[dict[str, str]]) -> None:
    """Forget the demonstrations where every seed was given some of its own."""
    shown = {of["demonstrations"] for of in settings}
    seeds = {run.result.seed for run in runs}
    if len(shown) == len(seeds) == len(runs):
        for of in settings:
            del of["demonstrations"]


def _label(agent: str, names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return agent
    last = [name.rpartition(".")[2] for name in names]
    short = [one if last.count(one) == 1 else name for one, name in zip(last, names, strict=True)]
    shown = ", ".join(f"{name} {value}" for name, value in zip(short, values, strict=True))
    return f"{agent} ({shown})"


def _one_a_seed(runs: Sequence[Run]) -> tuple[tuple[Run, ...], list[str]]:
    """Keep one run a seed: the same run twice is no second run."""
    kept: dict[int, Run] = {}
    left_out = []
    for run in sorted(runs, key=lambda run: (run.result.seed, str(run.path))):
        first = kept.setdefault(run.result.seed, run)
        if first is run:
            continue
        if not _close(first.result.returns, run.result.returns):
            raise SegueError(
                f"{first.path} and {run.path} have the same settings and seed and differ in their "
                "returns; leave one of them out."
            )
        left_out.append(f"{run.path} repeats {first.path}.")
    return tuple(kept.values()), left_out


def _close(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether numbers are the same but for rounding."""
    pairs = zip(ours, theirs, strict=True)
    return all(abs(one - other) <= 1e-6 * max(1.0, abs(one)) for one, other in pairs)


__all__ = [
    "Group",
    "Run",
    "by_env",
    "find_runs",
    "grouped",
    "test_difference",
]
