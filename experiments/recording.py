"""``segue demonstrations record``: somebody plays episodes of an environment, and they are kept."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from segue.agents.demonstrations import About, Episode, record, write_episodes
from segue.agents.demonstrations.minari_header import DATASET
from segue.envs.base.errors import SegueError
from segue.envs.film.sample_film import USER_LICENCE
from segue.envs.music.corpus.library import collections
from segue.experiments.demonstration_sources import corpus_episodes
from segue.experiments.evaluation import TEST_SEED
from segue.experiments.keyboard import Desk, Stopped, say_on_stderr
from segue.experiments.manifest import Source, hide_home, write_manifest
from segue.experiments.players import PLAYERS, Recording, Stage, stage_of
from segue.experiments.progress import Tell, progress_bar
from segue.experiments.run_folder import RunFolder

Outcome = tuple[dict[str, Any], list[str]]

PICTURE = "picture.png"
"""What a person sees, in the run's folder."""


def record_verb(asked: Recording, out: Path | None, command: Sequence[str]) -> Outcome:
    """Play episodes and keep them in a new run folder, as a Minari dataset.

    Whatever stops it, an interruption or the person, the finished episodes are kept.

    Parameters
    ----------
    asked : Recording
        What is to be recorded.
    out : Path or None
        Folder of the run; None for a new one in ``runs/``.
    command : sequence of str
        How it was started.

    Returns
    -------
    record : dict
        Episodes, returns, whether it was interrupted, and the files written.
    lines : list of str
        The same in words.

    Raises
    ------
    SegueError
        If nobody can play there, the actions are not discrete, or no episode was finished.
    KeyboardInterrupt
        If it was interrupted before an episode was finished.
    """
    _check(asked, out)
    stage = stage_of(asked)
    folder = RunFolder.create(None, asked.env, "demonstrations", asked.seed, out)
    try:
        episodes, interrupted = _gathered(asked, stage, folder)
    except BaseException:
        (folder.path / PICTURE).unlink(missing_ok=True)
        folder.discard_if_empty()
        raise
    sources = _sources(asked, episodes)
    licences = ", ".join(dict.fromkeys(source.licence for source in sources))
    options = {key: _shown(value) for key, value in stage.options.items()}
    about = About(options, asked.author, asked.licence or licences, f"{asked.env}, {stage.name}")
    dataset = folder.path / DATASET
    write_episodes(
        episodes,
        dataset,
        env_id=stage.env.spec.id if stage.env.spec else asked.env,
        observation_space=stage.env.observation_space,
        action_space=stage.env.action_space,
        about=about,
    )
    write_manifest(folder, command=command, seed=asked.seed, config=asdict(asked), sources=sources)
    made: dict[str, Any] = {
        "run": str(folder.path),
        "files": {DATASET: str(dataset)},
        "env": asked.env,
        "by": stage.name,
        "episodes": len(episodes),
        "steps": sum(map(len, episodes)),
        "mean_return": float(np.mean([episode.total for episode in episodes])),
        "interrupted": interrupted,
    }
    line = (
        f"kept {len(episodes)} of {asked.episodes} episodes of {asked.env} by {stage.name}: "
        f"{made['steps']:,} decisions, mean return {made['mean_return']:.3f}"
    )
    return made, [line, f"{DATASET}: {dataset}"]


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """Read options such as ``bins=8`` or ``observation_mode=frames``.

    Raises
    ------
    SegueError
        If one is no name and value.
    """
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        try:
            if not sign or not name.isidentifier():
                raise ValueError
            found[name] = yaml.safe_load(value)
        except (ValueError, yaml.YAMLError) as error:
            raise SegueError(
                f"{text!r} is no option; give a name and a value, such as bins=8."
            ) from error
    return found


def _check(asked: Recording, out: Path | None) -> None:
    if asked.episodes < 1 or not 0 <= asked.seed <= TEST_SEED - asked.episodes:
        raise SegueError(
            f"{asked.episodes} episodes from seed {asked.seed} on cannot be recorded; give at "
            f"least one episode, and seeds from 0 to {TEST_SEED - 1}, since the others are for "
            "testing."
        )
    if asked.by not in PLAYERS and not (Path(asked.by) / "config.yaml").is_file():
        raise SegueError(
            f"Nobody called {asked.by!r} can play; choose {', '.join(PLAYERS)}, or name a run "
            "folder that segue train wrote."
        )
    if out is not None and (out / DATASET).exists():
        raise SegueError(f"{out} holds demonstrations already; name another folder with --out.")


def _gathered(asked: Recording, stage: Stage, folder: RunFolder) -> tuple[list[Episode], bool]:
    """Play; the finished episodes, and whether it was interrupted."""
    episodes: list[Episode] = []
    try:
        with _ended_by_signals():
            if asked.by == "person":
                _person(asked, stage, folder, episodes)
            else:
                with progress_bar("recording") as tell:
                    _others(asked, stage, episodes, tell)
    except KeyboardInterrupt:
        if not episodes:
            raise
        return episodes, True
    if not episodes:
        raise SegueError("No episode was finished, so that nothing is kept; play one to its end.")
    return episodes, False


def _person(asked: Recording, stage: Stage, folder: RunFolder, episodes: list[Episode]) -> None:
    assert stage.player is not None
    desk = Desk(stage.env, folder.path / PICTURE)
    for number in range(asked.episodes):
        say_on_stderr(f"\nEpisode {number + 1} of {asked.episodes}.")
        try:
            episodes += record(desk, stage.player, [asked.seed + number], "person")
        except Stopped:
            return


def _others(asked: Recording, stage: Stage, episodes: list[Episode], tell: Tell) -> None:
    def told(done: int) -> None:
        tell(done / asked.episodes, f"{done} of {asked.episodes} episodes by {stage.name}")

    told(0)
    if stage.player is None:
        episodes += corpus_episodes(stage.env, asked.episodes, asked.seed, progress=told)
        return
    for number in range(asked.episodes):
        episodes += record(stage.env, stage.player, [asked.seed + number], stage.name)
        told(number + 1)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a polite kill do what Ctrl-C does."""
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Callable[..., Any] | int | None] = {}
    try:
        for kind in kinds:
            before[kind] = signal.signal(kind, signal.default_int_handler)
    except ValueError:  # Only the main thread may.
        pass
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _sources(asked: Recording, episodes: Sequence[Episode]) -> list[Source]:
    """What the episodes were made from, for the manifest."""
    if asked.by == "corpus":
        used = {re.split("[/:]", episode.source)[0] for episode in episodes}
        return [
            Source(one.name, one.licence, one.origin, "")
            for one in collections()
            if one.name in used
        ]
    if asked.by == "person":
        return [Source("person", USER_LICENCE, asked.author, "")]
    if asked.by not in PLAYERS:
        return [Source(Path(asked.by).resolve().name, USER_LICENCE, asked.author, "")]
    return []


def _shown(value: Any) -> Any:
    """An option as others may see it."""
    return hide_home(value) if isinstance(value, str) else value
