"""Episodes from recorded datasets, people's edits and corpora, for the environment to be learnt."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from segue.agents.demonstrations import Episode, play_random, record, write_episodes
from segue.agents.demonstrations.minari_header import DATASET
from segue.envs.base.errors import SegueError
from segue.envs.film.human_edits import FILE, HumanEdit, Shot, Source, write_edits
from segue.envs.melody.tokens import tokens_of
from segue.envs.multicam import demonstration
from segue.envs.multicam.demonstration import actions_of_shots, passages_of_shots, scene_of_shots
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.tune import Note
from segue.experiments import demonstration_sources as sources
from segue.experiments.demonstration_sources import (
    corpus_episodes,
    human_scenes,
    load_demonstrations,
    newest_demonstrations,
)

MULTICAM = "segue/Multicam-v0"


def multicam(**options: Any) -> gym.Env[Any, Any]:
    return gym.make(MULTICAM, disable_env_checker=True, **options)


def edit(*shots: tuple[str, float], title: str = "reel", **more: Any) -> HumanEdit:
    """An edit of set-ups and seconds at 24 frames a second; the scene is a set-up's number."""
    found: list[Shot] = []
    for setup, seconds in shots:
        start = found[-1].start + found[-1].frames if found else 0
        kind = "picture" if setup else "black"
        names = {"setup": setup, "scene": setup.rstrip("ABC")} | more
        found.append(Shot(kind, start, round(24 * seconds), source=0 if setup else -1, **names))
    clip = Source("clip", "", Fraction(24))
    return HumanEdit(title, f"{title}.edl", Fraction(24), 0, 0, (clip,), tuple(found))


TALK = edit(("10B", 3), ("9A", 2), ("10B", 1.5), ("9A", 2.2), ("10C", 4), title="talk")


def replayed(episode: Episode, env: gym.Env[Any, Any]) -> None:
    """All of it is legal and lies in the spaces of the environment."""
    assert isinstance(episode.observations, np.ndarray)
    assert all(env.observation_space.contains(seen) for seen in episode.observations)
    assert all(env.action_space.contains(action) for action in episode.actions)
    assert episode.masks is not None
    assert episode.masks.shape[1] == env.action_space.n  # type: ignore[attr-defined]
    assert episode.masks[np.arange(len(episode)), episode.actions].all()
    assert episode.terminated


# --- people's edits ----------------------------------------------------------------------------


def test_edits_are_episodes_of_the_scenes_made_of_them(tmp_path: Path) -> None:
    write_edits([TALK], tmp_path / FILE)
    (scene,) = scenes = human_scenes([TALK])
    env = multicam(scenes=scenes)
    for path in (tmp_path, tmp_path / FILE):
        (episode,) = load_demonstrations(path, env)
        replayed(episode, env)
    assert episode.source == "talk.edl: talk"
    assert [camera.name for camera in scene.cameras] == ["9A", "10B", "10C"]
    assert episode.actions.tolist() == [1] * 6 + [0] * 4 + [1] * 3 + [0] * 4 + [2] * 8
    # What the environment itself says of the same actions.
    left = iter(episode.actions.tolist())
    (again,) = record(env, lambda *_: next(left), [0], "")
    np.testing.assert_array_equal(again.observations, episode.observations)
    np.testing.assert_array_equal(again.masks, episode.masks)
    np.testing.assert_allclose(again.rewards, episode.rewards)
    # And of one with more cameras and steps than they have.
    (wider,) = load_demonstrations(tmp_path, multicam(cameras=5))
    replayed(wider, multicam(cameras=5))


def test_the_order_of_the_cameras_tells_nothing_of_the_cut() -> None:
    one = human_scenes([edit(("24B", 2), ("24A", 2), ("24B", 2), ("3A", 2))])
    other = human_scenes([edit(("3A", 2), ("24B", 2), ("24A", 2), ("24B", 2))])
    for (scene,) in (one, other):
        assert [camera.name for camera in scene.cameras] == ["3A", "24A", "24B"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cameras": 2, "steps": 9},
        {"cameras": 3, "steps": 40, "seconds": 0.25, "hold": 5, "longest": 9},
        {"cameras": 15, "steps": 500, "hold": 1, "reward_weights": {"pacing": 0.0}},
    ],
)
def test_episodes_fit_any_environment(options: dict[str, Any]) -> None:
    """Longer edits are split, shorter shots held, and the spaces are those that are learnt."""
    generator = np.random.default_rng(0)
    shots = [(f"{generator.integers(20)}A", generator.uniform(0.2, 9)) for _ in range(80)]
    env = multicam(**options)
    long = edit(*((name, float(seconds)) for name, seconds in shots))
    episodes = sources.episodes_of_edits([long, TALK], env)
    for episode in episodes:
        replayed(episode, env)
    if options.get("cameras") == 15:
        (*_, last) = episodes
        weighted = multicam(**options | {"scenes": human_scenes([TALK], hold=1)})
        (again,) = sources.episodes_of_edits([TALK], weighted)
        np.testing.assert_allclose(last.rewards, again.rewards)
        assert last.total != pytest.approx(sources.episodes_of_edits([TALK], multicam())[0].total)


def test_the_scenes_of_an_environment_are_split_alike() -> None:
    generator = np.random.default_rng(1)
    names = [f"{generator.integers(60)}A" for _ in range(300)]
    long = edit(*((name, float(generator.uniform(1, 6))) for name in names))
    scenes = human_scenes([long], cameras=20, steps=200)
    assert len(scenes) > 3
    episodes = sources.episodes_of_edits([long], multicam(scenes=scenes))
    assert [len(episode) for episode in episodes] == [scene.steps for scene in scenes]


def test_long_edits_are_split_at_changes_of_scene() -> None:
    shots = [
        demonstration.Shot(name, 2.0, name[0]) for name in ("1A", "1B", "1A", "2A", "2B", "2C")
    ]
    split = [[shot.camera for shot in part] for part in passages_of_shots(shots, cameras=4)]
    assert split == [["1A", "1B", "1A"], ["2A", "2B", "2C"]]
    unknown = [demonstration.Shot(shot.camera, 2.0) for shot in shots]
    split = [[shot.camera for shot in part] for part in passages_of_shots(unknown, cameras=4)]
    assert split == [["1A", "1B", "1A", "2A", "2B"], ["2C"]]
    whole = passages_of_shots(shots)
    assert whole == [tuple(shots)]
    by_length = passages_of_shots(unknown, steps=10, hold=2)
    assert [len(part) for part in by_length] == [2, 2, 2]
    (first, second) = passages_of_shots([demonstration.Shot("A", 7.0)], steps=10)
    assert [first[0].seconds, second[0].seconds] == [5.0, 2.0]
    for part in by_length:
        scene = scene_of_shots(part, hold=2)
        assert len(actions_of_shots(part, scene, hold=2)) == scene.steps <= 10
    with pytest.raises(SegueError, match="allow longer scenes"):
        passages_of_shots(shots, steps=1, hold=2)


def test_black_parts_and_one_set_up_are_passed_over() -> None:
    both = edit(("1A", 2), ("", 1), ("1A", 2), ("1B", 2))
    (scene,) = human_scenes([both, edit(("1A", 9), title="one")])
    assert scene.steps == 12
    with pytest.raises(SegueError, match="no change from one set-up"):
        human_scenes([edit(("1A", 9), ("", 2), ("1A", 3))])
    # Where nothing tells the set-up, the source is one.
    nameless = [edit(("1A", 2), ("1B", 2), setup=""), edit(("1A", 2), ("1B", 2))]
    assert len(human_scenes(nameless)) == 1


def test_edits_are_no_episodes_of_other_environments(tmp_path: Path) -> None:
    write_edits([TALK], tmp_path / FILE)
    with pytest.raises(SegueError, match=r"Multicam-v0, not of CartPole-v1"):
        load_demonstrations(tmp_path, gym.make("CartPole-v1"))


# --- recorded episodes -------------------------------------------------------------------------


def written(folder: Path, name: str = MULTICAM, **options: Any) -> gym.Env[Any, Any]:
    env = gym.make(name, disable_env_checker=True, **options)
    write_episodes(
        record(env, play_random(np.random.default_rng(0)), range(2), "random"),
        folder / DATASET,
        env_id=name,
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    return env


def test_recorded_episodes_must_be_of_the_environment(tmp_path: Path) -> None:
    env = written(tmp_path, scenes=1, steps=10)
    for path in (tmp_path, tmp_path / DATASET):
        assert [episode.seed for episode in load_demonstrations(path, env)] == [0, 1]
    with pytest.raises(SegueError, match=r"of segue/Multicam-v0, not of CartPole-v1"):
        load_demonstrations(tmp_path, gym.make("CartPole-v1"))
    for options, said in (({"steps": 11}, "other bounds"), ({"cameras": 5}, r"\(45,\) .* \(53,\)")):
        with pytest.raises(SegueError, match=rf"other observations .*{said}.* same options"):
            load_demonstrations(tmp_path, multicam(scenes=1, **{"steps": 10} | options))
    written(tmp_path / "montage", "segue/Montage-v0", bins=1, shots=4, beats=4)
    for mode, said in (
        ({}, r"shots: Box \("),
        ({"observation_mode": "frames"}, "contact_sheet is new"),
    ):
        montage = gym.make("segue/Montage-v0", disable_env_checker=True, **mode)
        with pytest.raises(SegueError, match=said):
            load_demonstrations(tmp_path / "montage", montage)
    with pytest.raises(SegueError, match="holds no demonstrations"):
        load_demonstrations(tmp_path / "nowhere", env)


def test_the_newest_that_fit_are_found(tmp_path: Path) -> None:
    assert newest_demonstrations(MULTICAM, tmp_path / "none") is None
    for number, name in enumerate(("old", "new", "pole", "edits", "broken")):
        folder = tmp_path / name
        folder.mkdir()
        if name == "edits":
            write_edits([TALK], folder / FILE)
        else:
            written(folder, "CartPole-v1" if name == "pole" else MULTICAM)
        if name == "broken":
            (folder / DATASET / "data/metadata.json").write_text("{")
        for file in folder.rglob("*"):
            os.utime(file, (number, number))
    assert newest_demonstrations(MULTICAM, tmp_path) == tmp_path / "edits"
    assert newest_demonstrations("CartPole-v1", tmp_path) == tmp_path / "pole"
    assert newest_demonstrations("segue/Melody-v0", tmp_path) is None
    (tmp_path / "edits" / FILE).unlink()
    assert newest_demonstrations(f"segue.envs:{MULTICAM}", tmp_path) == tmp_path / "new"


# --- corpora -----------------------------------------------------------------------------------


class Corpus:
    """Two tunes of four bars, a window from each barline but the last."""

    def split(self, name: str) -> list[CorpusTune]:
        assert name == "train"
        return [
            CorpusTune(f"tune {k}", f"made/{k}", "CC0-1.0", 0, "major", (4, 4), 120.0, 0.0, notes)
            for k, notes in enumerate(self.notes())
        ]

    @staticmethod
    def notes() -> list[tuple[Note, ...]]:
        return [
            tuple(Note(float(beat), 1.0, 60 + key + beat % 5) for beat in range(16))
            for key in (0, 7)
        ]


def test_passages_of_a_corpus_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "load_corpus", Corpus)
    env = gym.make("segue/Melody-v0", disable_env_checker=True)
    told: list[int] = []
    episodes = corpus_episodes(env, 6, seed=3, progress=told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    assert sorted(episode.source for episode in episodes) == ["made/0"] * 3 + ["made/1"] * 3
    first = tokens_of(Corpus.notes()[0])
    assert first is not None
    assert first.tolist() in [episode.actions.tolist() for episode in episodes]
    assert len({tuple(episode.actions.tolist()) for episode in episodes}) == 6
    again = corpus_episodes(env, 6, seed=3)
    for one, other in zip(episodes, again, strict=True):
        np.testing.assert_array_equal(one.observations, other.observations)
        # The same actions from the same seed are the same episode.
        left = iter(one.actions.tolist())
        (played,) = record(env, lambda *_, left=left: next(left), [other.seed or 0], "")
        np.testing.assert_array_equal(played.rewards, other.rewards)
    with pytest.raises(SegueError, match="6 passages to show, not 7"):
        corpus_episodes(env, 7, seed=0)
    with pytest.raises(SegueError, match="no corpus of CartPole-v1"):
        corpus_episodes(gym.make("CartPole-v1"), 1, seed=0)
