"""Where episodes to learn from come from: recorded ones, people's edits, corpora of melodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.agents.demonstrations import Episode, Player, read_episodes, read_header, record
from segue.agents.demonstrations.minari_header import DATASET, METADATA
from segue.envs.base.errors import SegueError
from segue.envs.film.human_edits import FILE, HumanEdit, read_edits
from segue.envs.melody.env import MelodyEnv
from segue.envs.melody.tokens import encode_windows
from segue.envs.multicam.demonstration import (
    Shot,
    actions_of_shots,
    passages_of_shots,
    scene_of_shots,
)
from segue.envs.multicam.env import MulticamEnv
from segue.envs.multicam.task import Multicam
from segue.envs.multicam.types import MOST_CAMERAS, MOST_STEPS, Rules, Scene
from segue.envs.music.corpus.library import load_corpus
from segue.envs.music.corpus.split import Split
from segue.experiments.run_folder import ROOT

EDITS_ENV = "segue/Multicam-v0"
"""What people's edits are episodes of."""

_OF_BANK = ("scenes", "footage", "scene_seed", "cameras", "steps", "seconds", "render_mode")
"""Options that say which scenes there are."""


def load_demonstrations(path: Path, env: gym.Env[Any, Any]) -> list[Episode]:
    """Load what was recorded or cut by people as episodes of an environment.

    Parameters
    ----------
    path : Path
        A folder that ``segue demonstrations`` wrote, whichever of its verbs; the file of people's
        edits in it; or any Minari dataset.
    env : gymnasium.Env
        The environment, made by `gymnasium.make` with the options that it is learnt with.

    Returns
    -------
    list of Episode
        At least one, whose spaces are those of `env`.

    Raises
    ------
    SegueError
        If they cannot be read, or are of another environment or of other spaces.
    """
    if path.is_file() or (path / FILE).is_file():
        return episodes_of_edits(read_edits(path), env)
    header, name = read_header(path), _name(env)
    if header.env_id not in ("", name):
        raise SegueError(
            f"{path} holds episodes of {header.env_id}, not of {name}; name demonstrations of "
            f"{name}, or train on {header.env_id}."
        )
    for what, theirs, own in (
        ("observations", header.observation_space, env.observation_space),
        ("actions", header.action_space, env.action_space),
    ):
        if theirs != own:
            raise SegueError(
                f"{path} holds episodes of other {what} than {name} has here "
                f"({_difference(theirs, own)}); record them with the same options."
            )
    return read_episodes(path)


def newest_demonstrations(env_id: str, root: Path = ROOT) -> Path | None:
    """Find the newest run with demonstrations of an environment.

    Parameters
    ----------
    env_id : str
        Gymnasium id.
    root : Path
        Folder of runs.

    Returns
    -------
    Path or None
        The run's folder; None where there is none.
    """
    name = env_id.rpartition(":")[2]
    files = [*root.glob(f"*/{DATASET}/data/{METADATA}"), *root.glob(f"*/{FILE}")]
    found = [(file.stat().st_mtime_ns, file.relative_to(root).parts[0]) for file in files]
    for _, run in sorted(found, reverse=True):
        folder = root / run
        try:
            edits = (folder / FILE).is_file()
            if (EDITS_ENV if edits else read_header(folder).env_id) == name:
                return folder
        except SegueError:
            continue  # Damaged ones are passed over here; named by the user, they are told.
    return None


def human_scenes(
    edits: Sequence[HumanEdit],
    *,
    seconds: float = 0.5,
    hold: int = Rules.hold,
    cameras: int = MOST_CAMERAS,
    steps: int = MOST_STEPS,
) -> tuple[Scene, ...]:
    """Scenes that people's edits play in, for the option `scenes` of ``segue/Multicam-v0``.

    The set-ups are the cameras. Edits too long for a scene become several, split where the film's
    scene changes if that is told; what shows one set-up only is left out.

    Parameters
    ----------
    edits : sequence of HumanEdit
        Their shots that show footage count.
    seconds : float
        Length of a step.
    hold : int
        Steps that a shot lasts at least; shorter ones are lengthened at the cost of the next.
    cameras, steps : int
        Most of a scene.

    Raises
    ------
    SegueError
        If nothing of the edits is left.
    """
    found = _passages(edits, seconds, hold, cameras, steps)
    return tuple(
        scene_of_shots(shots, seconds=seconds, title=title, hold=hold) for title, shots in found
    )


def episodes_of_edits(edits: Sequence[HumanEdit], env: gym.Env[Any, Any]) -> list[Episode]:
    """Replay people's edits in an environment like `env`, in scenes no larger than it has.

    Parameters
    ----------
    edits : sequence of HumanEdit
        As for `human_scenes`, which makes the scenes.
    env : gymnasium.Env
        ``segue/Multicam-v0``, made by `gymnasium.make`.

    Returns
    -------
    list of Episode
        One for each scene, of the spaces and rewards of `env`.

    Raises
    ------
    SegueError
        If `env` is another environment, or nothing of the edits is left.
    """
    inner = env.unwrapped
    if not isinstance(inner, MulticamEnv) or env.spec is None:
        raise SegueError(
            f"People's edits are episodes of {EDITS_ENV}, not of {_name(env)}; train on that, or "
            "name other demonstrations."
        )
    bank = inner.multicam.bank
    step, hold = bank.scenes[0].seconds, bank.rules.hold
    passages = _passages(edits, float(step), hold, bank.cameras, bank.steps)
    scenes = [
        scene_of_shots(shots, seconds=float(step), title=title, hold=hold)
        for title, shots in passages
    ]
    rules = {key: value for key, value in env.spec.kwargs.items() if key not in _OF_BANK}
    # Beside its own scenes, so that the spaces are as large.
    task = Multicam([*scenes, *bank.scenes], **rules)
    return [
        _replayed(
            task, number, actions_of_shots(passages[number][1], scene, hold=hold), scene.title
        )
        for number, scene in enumerate(scenes)
    ]


def corpus_episodes(
    env: gym.Env[Any, Any],
    count: int,
    seed: int,
    split: Split = "train",
    progress: Callable[[int], None] | None = None,
) -> list[Episode]:
    """Replay passages of the default corpora in ``segue/Melody-v0``.

    Parameters
    ----------
    env : gymnasium.Env
        The environment.
    count : int
        How many, drawn without putting back.
    seed : int
        Of the draw, and of the first episode's reset; the next ones have the next seeds.
    split : str
        Of the corpora: training, validation or test.
    progress : callable or None
        Called with the number of episodes played.

    Returns
    -------
    list of Episode
        Each of the tune that it names.

    Raises
    ------
    SegueError
        If `env` is another environment, or there are not as many passages.
    """
    if not isinstance(env.unwrapped, MelodyEnv):
        raise SegueError(
            f"There is no corpus of {_name(env)}; choose segue/Melody-v0, or another source."
        )
    windows = [
        (tune.source, window)
        for tune in load_corpus().split(split)
        for window in encode_windows(tune)
    ]
    if not 0 < count <= len(windows):
        raise SegueError(
            f"The corpora have {len(windows)} passages to show, not {count}; ask for 1 to as many."
        )
    drawn = np.random.default_rng(seed).choice(len(windows), count, replace=False)
    episodes = []
    for number, row in enumerate(drawn.tolist()):
        source, window = windows[row]
        episodes += record(env, _replaying(window), [seed + number], source)
        if progress:
            progress(number + 1)
    return episodes


def _replaying(actions: npt.NDArray[np.integer[Any]]) -> Player:
    """Make a player of one episode whose actions are known."""
    left = iter(actions.tolist())
    return lambda env, seen, mask: next(left)


def _replayed(task: Multicam, scene: int, actions: npt.NDArray[np.int64], source: str) -> Episode:
    """Episode in a scene of a task's bank, of given actions."""
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, np.int64), np.array([scene], np.uint64))
    looked = np.asarray(batch.observation)
    seen, rewards, masks = [looked[0].copy()], [], []
    for action in actions:
        masks.append(batch.mask[0] != 0)
        task.step(batch, np.array([action]))
        seen.append(looked[0].copy())
        rewards.append(float(batch.reward[0]))
    over = bool(batch.terminated[0])
    return Episode(np.stack(seen), actions, np.array(rewards), over, np.stack(masks), source)


def _passages(
    edits: Sequence[HumanEdit], seconds: float, hold: int, cameras: int, steps: int
) -> list[tuple[str, tuple[Shot, ...]]]:
    """Title and shots of each passage of edits that shows two set-ups at least."""
    found = []
    for edit in edits:
        parts = passages_of_shots(
            _shots(edit), seconds=seconds, hold=hold, cameras=cameras, steps=steps
        )
        title = f"{edit.origin}: {edit.title}"
        for number, shots in enumerate(parts, 1):
            if len({shot.camera for shot in shots}) > 1:
                part = f", part {number} of {len(parts)}" if len(parts) > 1 else ""
                found.append((title + part, shots))
    if not found:
        raise SegueError(
            "The edits show no change from one set-up to another; give timelines that name reels, "
            "scenes or clips."
        )
    return found


def _shots(edit: HumanEdit) -> list[Shot]:
    """Shots of an edit that show footage; neighbours of one set-up are one shot."""
    shots: list[Shot] = []
    scene = ""
    for shot in edit.shots:
        if shot.kind != "picture":
            continue
        # A slate may name the set-up's letters with the scene; an insert may name no scene.
        told = re.match(r"\D*\d+", shot.scene)
        scene = told[0] if told else shot.scene or scene
        camera, seconds = shot.setup or f"source {shot.source}", float(shot.frames / edit.rate)
        if shots and shots[-1].camera == camera:
            seconds += shots.pop().seconds
        shots.append(Shot(camera, seconds, scene))
    return shots


def _name(env: gym.Env[Any, Any]) -> str:
    return env.spec.id if env.spec else type(env.unwrapped).__name__


def _difference(theirs: gym.Space[Any], own: gym.Space[Any]) -> str:
    """Where two spaces differ first, in a few words."""
    if isinstance(theirs, gym.spaces.Dict) and isinstance(own, gym.spaces.Dict):
        there, here = theirs.spaces, own.spaces
        for key in sorted({*there, *here}):
            if key not in there or key not in here:
                return f"{key} is {'new' if key in here else 'gone'}"
            if there[key] != here[key]:
                return f"{key}: {_difference(there[key], here[key])}"
    one, other = (f"{type(space).__name__} {space.shape}" for space in (theirs, own))
    return f"{one} with other bounds" if one == other else f"{one} instead of {other}"
