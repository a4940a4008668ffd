"""Episodes as Minari datasets: whole round trips, with Minari itself as witness."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from minari.data_collector.episode_buffer import EpisodeBuffer
from minari.dataset.minari_storage import MinariStorage

from segue.agents.demonstrations import (
    About,
    Episode,
    play_random,
    read_episodes,
    read_header,
    record,
    write_episodes,
)
from segue.envs.base.errors import SegueError

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "several choices, parts": ("segue/Montage-v0", {"bins": 2, "shots": 4, "beats": 8}),
    "pictures": ("segue/Montage-v0", {"bins": 2, "observation_mode": "frames", "beats": 4}),
    "numbers": ("segue/Multicam-v0", {"scenes": 2, "steps": 12}),
    "real numbers, no masks": ("CartPole-v1", {}),
    "one number": ("FrozenLake-v1", {}),
    "cut off": ("FrozenLake-v1", {"max_episode_steps": 2}),
}


def made(kind: str) -> tuple[gym.Env[Any, Any], list[Episode], dict[str, Any]]:
    """An environment, episodes of it, and how they are written."""
    name, options = KINDS[kind]
    env = gym.make(name, disable_env_checker=True, **options)
    episodes = record(env, play_random(np.random.default_rng(0)), range(3), "random")
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
    return env, episodes, {"env_id": name, **spaces}


def same(one: Episode, other: Episode) -> None:
    assert (one.source, one.seed, one.terminated) == (other.source, other.seed, other.terminated)
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(one.rewards, other.rewards)
    assert (one.masks is None) == (other.masks is None)
    if one.masks is not None and other.masks is not None:
        np.testing.assert_array_equal(one.masks, other.masks)
        assert other.masks.dtype == bool
    parts, others = (
        e.observations if isinstance(e.observations, dict) else {"": e.observations}
        for e in (one, other)
    )
    assert parts.keys() == others.keys()
    for key, part in parts.items():
        np.testing.assert_array_equal(part, others[key])
        assert part.dtype == others[key].dtype


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_here_and_by_minari(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, episodes, fits = made(kind)
    about = About(KINDS[kind][1], "Ann", "CC0-1.0", "for a test")
    if kind == "pictures" and minari.__version__ == "0.5.3":  # The newest for Python 3.10.
        with pytest.raises(SegueError, match=r"install 0\.5\.4"):
            write_episodes(episodes, tmp_path / "some-v0", about=about, **fits)
        return
    write_episodes(episodes, tmp_path / "some-v0", about=about, **fits)

    header = read_header(tmp_path / "some-v0")
    assert header.observation_space == env.observation_space
    assert header.action_space == env.action_space
    assert (header.env_id, header.about) == (fits["env_id"], about)
    for one, other in zip(episodes, read_episodes(tmp_path / "some-v0"), strict=True):
        same(one, other)

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    dataset = minari.load_dataset("some-v0")
    assert list(minari.list_local_datasets()) == ["some-v0"]
    again = dataset.recover_environment()
    assert again.observation_space == env.observation_space
    assert again.spec is not None
    assert env.spec is not None
    assert again.spec.max_episode_steps == env.spec.max_episode_steps
    for one, theirs in zip(episodes, dataset.iterate_episodes(), strict=True):
        infos: Any = theirs.infos
        told = replace(
            one,
            observations=theirs.observations,
            actions=theirs.actions,
            rewards=theirs.rewards,
            terminated=bool(theirs.terminations[-1]),
            masks=None if one.masks is None else infos["action_mask"][:-1].astype(bool),
        )
        same(one, told)
        assert theirs.truncations[-1] != theirs.terminations[-1]
        assert one.masks is None or len(infos["action_mask"]) == len(one) + 1
    assert "jax" not in sys.modules


def test_what_minari_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env, episodes, _ = made("real numbers, no masks")
    buffers = [
        EpisodeBuffer(
            seed=episode.seed,
            observations=list(episode.observations),
            actions=episode.actions.tolist(),
            rewards=episode.rewards.tolist(),
            terminations=[*[False] * (len(episode) - 1), True],
            truncations=[False] * len(episode),
        )
        for episode in episodes
    ]
    told = dict.fromkeys(("author", "author_email", "code_permalink", "description"), "somebody")
    minari.create_dataset_from_buffers(
        "cart/pole-v3", buffers, env=env, eval_env=env, algorithm_name="dice", **told
    )
    for one, other in zip(episodes, read_episodes(tmp_path / "cart/pole-v3"), strict=True):
        same(replace(one, source="cart/pole-v3"), other)
    header = read_header(tmp_path / "cart/pole-v3")
    assert (header.env_id, header.about.author) == ("CartPole-v1", "somebody")


def test_an_environment_that_minari_cannot_make_is_told_all_the_same(tmp_path: Path) -> None:
    _, episodes, fits = made("one number")
    about = About({"desc": object()})
    write_episodes(episodes, tmp_path / "lake", about=about, **fits | {"env_id": "nobody/Lake-v9"})
    header = read_header(tmp_path / "lake")
    assert (header.env_id, header.name) == ("nobody/Lake-v9", "lake-v0")
    assert "object" in header.about.options["desc"]


def test_what_does_not_fit_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, episodes, fits = made("numbers")
    first, place = episodes[0], tmp_path / "x-v0"
    assert first.masks is not None
    other = made("one number")[2]
    wrong: list[tuple[list[Episode], dict[str, Any], str]] = [
        ([], fits, "at least one"),
        (episodes, other, "Episode 0"),
        ([first, replace(first, actions=first.actions + 9)], fits, "Episode 1 .*outside the space"),
        ([replace(first, masks=~first.masks)], fits, "mask does not allow"),
        ([replace(first, masks=first.masks[:, :2])], fits, "masks of the shape"),
    ]
    for given, spaces, said in wrong:
        with pytest.raises(SegueError, match=said):
            write_episodes(given, place, **spaces)
    with monkeypatch.context() as patch:
        patch.setattr(MinariStorage, "update_metadata", lambda *_: full())
        with pytest.raises(SegueError, match="No space left"):
            write_episodes(episodes, place, **fits)
    assert list(tmp_path.iterdir()) == []
    write_episodes(episodes, place, **fits)
    with pytest.raises(SegueError, match="holds something already"):
        write_episodes(episodes, place, **fits)


def full() -> None:
    raise OSError(28, "No space left on device")
