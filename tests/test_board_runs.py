"""What TensorBoard shows of episodes and of whole runs, read back from the file of events."""

from __future__ import annotations

import io
import random
import re
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import soundfile
import torch
from board_events import TUNE, charts_in, hparams_of, loaded, steps_of, text_of
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segue.experiments import episode_board
from segue.experiments.episode_board import EpisodeBoard, action_counts
from segue.experiments.episode_media import RATE, brief_of, episode_media, sung
from segue.experiments.evaluation import random_action
from segue.experiments.learning import make_env
from segue.experiments.tensorboard import (
    PICTURE_SIDE,
    Board,
)
from segue.experiments.train import resume, train
from segue.experiments.train_config import TrainConfig

torch.set_num_threads(1)


# Episodes


def show(env_id: str, folder: Path, steps: int = 10, **options: Any) -> EventAccumulator:
    """Let a policy be looked at after every step, as if there were all the time."""
    with Board(folder) as board:

        def make() -> gym.Env[Any, Any]:
            return make_env(env_id, {"render_mode": "rgb_array", **options})

        episodes = EpisodeBoard(board, make, 0, steps, None, True, share=np.inf)
        act = random_action(np.random.default_rng(0))
        for step in range(steps):
            episodes.look(step, act)
        episodes.end(steps, act)
    return loaded(folder)


def test_a_tune_is_seen_played_heard_and_read_at_even_moments(tmp_path: Path) -> None:
    events = show("segue/LeadSheet-v0", tmp_path, chords="Am7 D7", bars=2, pieces=1)
    found = steps_of(tmp_path)
    seen = ("episode/played", "episode/picture", "episode/score", "episode/sound", "actions/token")
    for tag in (*seen, "episode/brief/text_summary", "reward/harmony"):
        assert found[tag] == [0, 2, 4, 6, 8, 10], tag
    played = Image.open(io.BytesIO(events.Images("episode/played")[-1].encoded_image_string))
    assert (played.format, played.n_frames) == ("GIF", 17)  # 16 slots and the empty roll
    score = events.Images("episode/score")[-1]
    pixels = np.asarray(Image.open(io.BytesIO(score.encoded_image_string)))
    assert pixels.shape[1] == PICTURE_SIDE
    assert 0.01 < (pixels < 128).mean() < 0.3
    data, rate = soundfile.read(io.BytesIO(events.Audio("episode/sound")[-1].encoded_audio_string))
    assert np.abs(data).max() > 0.3
    assert 1.0 < len(data) / rate < 10.0
    assert events.Histograms("actions/token")[-1].histogram_value.num == 16
    words = text_of(events, "episode/brief")
    assert "`| Am7 | D7 |`" in words
    taken = [int(n) for n in re.findall(r"^\| (?:hold|rest|[A-G]\S*) \| (\d+) \|$", words, re.M)]
    assert sum(taken) <= 16
    assert taken == sorted(taken, reverse=True)


def test_two_voices_are_heard_together(tmp_path: Path) -> None:
    sound = sung([(69, 60), (57,)])
    assert sound.shape == (2 * RATE, 1)
    assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
    first, second = np.abs(np.fft.rfft(sound.reshape(2, -1)))
    assert {440, 220} <= set(np.argsort(first)[-3:].tolist())  # Of a second: the bins are hertz.
    assert abs(int(second.argmax()) - 262) <= 1
    events = show("segue/Counterpoint-v0", tmp_path, steps=1, cantus="dorian")
    assert len(events.Audio("episode/sound")) == len(events.Images("episode/played")) == 2
    assert "Dorian cantus firmus" in text_of(events, "episode/brief")


@pytest.mark.parametrize("name", ["Melody", "Highlight", "Montage", "Multicam"])
def test_every_environment_is_shown_with_its_brief(name: str) -> None:
    env = make_env(f"segue/{name}-v0", {"render_mode": "rgb_array"})
    observation, info = env.reset(seed=3)
    act, actions, over = random_action(np.random.default_rng(0)), [], False
    while not over:
        actions.append(act(env, observation, info))
        observation, _, over, _, info = env.step(actions[-1])
    wanted = env.render()
    media = episode_media(env, actions, 3, most_frames=5)
    assert np.array_equal(media.picture, wanted)
    assert 2 <= len(media.frames) <= 6
    assert len({frame.shape for frame in media.frames}) == 1
    assert media.brief == brief_of(env)
    assert name not in media.brief
    counts = action_counts(env, actions)
    assert all(taken.sum() == len(actions) for taken in counts.values())


def test_looking_leaves_random_generators_alone_and_no_failure_ends_a_run(tmp_path: Path) -> None:
    def states() -> list[Any]:
        return [
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
        ]

    def act(env: Any, observation: Any, info: Any) -> int:
        random.random(), np.random.rand(), torch.rand(1)
        return 0

    def broken() -> gym.Env[Any, Any]:
        random.random(), np.random.rand(), torch.rand(1)
        raise RuntimeError("no display")

    for name, make in (("works", lambda: make_env("Taxi-v4", {})), ("breaks", broken)):
        before = states()
        with Board(tmp_path / name) as board:
            episodes = EpisodeBoard(board, make, 0, 10, None, False, share=np.inf)
            for step in (0, 5):
                episodes.look(step, act)
            episodes.end(10, act)
        assert states() == before
    assert "200 decisions" in text_of(loaded(tmp_path / "works"), "episode/brief")
    told = steps_of(tmp_path / "breaks")["episode/brief/text_summary"]
    assert told == [0]
    assert "no display" in text_of(loaded(tmp_path / "breaks"), "episode/brief")


def test_looking_takes_little_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(episode_board.time, "perf_counter", lambda: now[0])

    def slow() -> gym.Env[Any, Any]:
        now[0] += 1.0
        return make_env("FrozenLake-v1", {})

    with Board(tmp_path) as board:
        episodes = EpisodeBoard(board, slow, 0, 100, None, False, share=0.1)
        for step in range(100):
            episodes.look(step, lambda *_: 0)
            now[0] += 0.5
        episodes.end(100, lambda *_: 0)
    # After 15 s there is time for the second that it took to play, and half a one to show it.
    assert steps_of(tmp_path)["episode/brief/text_summary"] == [0, 40, 60, 80, 100]
    assert episodes.seconds == 1.0


# Runs


def test_a_run_writes_all_that_its_page_shows(tmp_path: Path) -> None:
    result = train(TUNE, tmp_path / "run", ["/bin/segue", "train", "LeadSheet"])
    events = loaded(tmp_path / "run")
    found = steps_of(tmp_path / "run")
    for tags in charts_in(tmp_path / "run").values():
        assert any(re.match(tags, tag) for tag in found), tags
    assert found["return"] == [256, 512, 768, 1024]
    assert found["return/random"] == found["return/greedy"] == found["return/optimum"] == [0, 1024]
    assert events.Scalars("return/test")[0].value == pytest.approx(result.evaluation.mean)
    assert events.Scalars("final/fraction")[0].value == pytest.approx(result.fraction)
    seen = ("episode/played", "episode/picture", "episode/score", "episode/sound", "actions/token")
    for tag in (*seen, "episode/brief/text_summary", "fraction_of_optimum"):
        assert found[tag][-1] == 1024, tag
    assert "n_steps: 64" in text_of(events, "run/settings")
    assert "segue train LeadSheet" in text_of(events, "run/command")
    row = hparams_of(events, "session_start_info").session_start_info.hparams
    assert row["gamma"].number_value == 0.99  # The agent's own.


@pytest.mark.parametrize(
    ("agent", "env", "settings"),
    [
        ("ppo", "CartPole-v1", {"n_steps": 64, "batch_size": 64, "n_epochs": 1}),
        ("q-learning", "FrozenLake-v1", {"chunk_episodes": 10}),
    ],
)
def test_no_step_of_a_run_is_told_twice(
    agent: str, env: str, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode_board, "SHARE", np.inf)
    config = TrainConfig(env, agent, 1_024, 0, 4, 2, checkpoint_every=300, hyperparameters=settings)

    def stop(share: float, _: str) -> None:
        if share >= 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", ["segue"], stop)
    for steps in (None, None, 2_048):
        time.sleep(1.1)
        resume(tmp_path / "run", steps)
    found = steps_of(tmp_path / "run")
    train(config, tmp_path / "whole", ["segue"])
    assert set(steps_of(tmp_path / "whole")) <= set(found)
    for tag, steps in found.items():
        assert steps == sorted(set(steps)), tag
    first = loaded(tmp_path / "whole")
    both = [
        [(e.step, e.value) for e in one.Scalars("return")]
        for one in (first, loaded(tmp_path / "run"))
    ]
    assert both[1][: len(both[0])] == both[0]
    assert len(found["episode/brief/text_summary"]) >= 6
    assert len(found["return/test"]) == 2
