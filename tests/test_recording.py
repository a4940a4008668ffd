"""``segue demonstrations record``: who plays, what is kept, and what a person sees and types."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from segue.agents.demonstrations import Episode, read_header
from segue.agents.demonstrations.recording import choice_sizes
from segue.envs.base.errors import SegueError
from segue.experiments import players
from segue.experiments.action_names import choices_of
from segue.experiments.cli import main
from segue.experiments.demonstration_sources import load_demonstrations
from segue.experiments.keyboard import Desk, Person, Stopped
from segue.experiments.learning import make_env
from segue.experiments.players import Recording
from segue.experiments.recording import PICTURE, parse_options, record_verb
from segue.experiments.train import train
from segue.experiments.train_config import TrainConfig

MULTICAM = "segue/Multicam-v0"
OPTIONS = {"scenes": 2, "steps": 8, "cameras": 3, "scene_seed": 5}
SMALL = Recording(MULTICAM, episodes=3, options=OPTIONS)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run the command line in this process, in a folder of its own, with lines typed."""

    def run(*arguments: object, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        words = ["segue", "demonstrations", "record", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err  # type: ignore[return-value]

    return run


def words(**options: Any) -> list[str]:
    return [part for name, value in options.items() for part in ("--option", f"{name}={value}")]


def kept(folder: Path) -> list[Episode]:
    return load_demonstrations(folder, make_env(MULTICAM, OPTIONS))


# --- who plays ---------------------------------------------------------------------------------


def test_the_optimum_plays_and_is_kept(inside: Run, tmp_path: Path) -> None:
    settings = [*words(**OPTIONS), "--episodes", 3, "--seed", 4, "--author", "Ann", "--out", "out"]
    code, said, err = inside(MULTICAM, "--by", "optimum", *settings, "--json")
    assert code == 0, err
    made, env = json.loads(said), make_env(MULTICAM, OPTIONS)
    episodes = kept(tmp_path / "out")
    assert [episode.seed for episode in episodes] == [4, 5, 6]
    assert {episode.source for episode in episodes} == {"optimum"}
    for episode in episodes:
        env.reset(seed=episode.seed)
        assert episode.total == pytest.approx(env.get_wrapper_attr("optimum")())
    assert (made["episodes"], made["steps"], made["interrupted"]) == (3, 24, False)
    assert made["mean_return"] == pytest.approx(np.mean([e.total for e in episodes]))
    header = read_header(tmp_path / "out")
    assert (header.about.author, header.about.options) == ("Ann", OPTIONS)
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["config"]["options"] == OPTIONS
    assert manifest["seed"] == 4
    code, _, err = inside(MULTICAM, *settings)
    assert code == 2
    assert "holds demonstrations already" in err


@pytest.mark.parametrize("by", ["random", "greedy"])
def test_the_same_seed_records_the_same(by: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        record_verb(replace(SMALL, by=by), tmp_path / name, ["segue"])
    for one, other in zip(kept(tmp_path / "one"), kept(tmp_path / "other"), strict=True):
        np.testing.assert_array_equal(one.actions, other.actions)
        assert one.source == by
    env = make_env(MULTICAM, OPTIONS)
    env.reset(seed=0)
    if by == "greedy":
        assert one.actions[0] in range(3)
        assert kept(tmp_path / "one")[0].actions[0] == env.get_wrapper_attr("greedy_action")()
    else:
        assert len({tuple(episode.actions) for episode in kept(tmp_path / "one")}) == 3


def trained(agent: str, folder: Path) -> Path:
    hyperparameters = {"n_steps": 8, "batch_size": 8}
    config = TrainConfig(
        MULTICAM, agent, 16, num_envs=2, eval_episodes=1, env_options=OPTIONS,
        test_options={"scene_seed": 99}, hyperparameters=hyperparameters,
    )  # fmt: skip
    return train(config, folder / agent, ["segue"]).run


def test_a_trained_agent_plays_where_it_was_trained(tmp_path: Path) -> None:
    run = trained("maskable-ppo", tmp_path)
    # The options are the run's; those of testing are for testing only.
    asked = Recording(MULTICAM, str(run), episodes=2)
    made, _ = record_verb(asked, tmp_path / "out", ["segue"])
    assert (made["by"], made["episodes"]) == ("maskable-ppo", 2)
    assert read_header(tmp_path / "out").about.options == OPTIONS
    for episode in kept(tmp_path / "out"):
        assert episode.masks is not None
        assert episode.masks[np.arange(8), episode.actions].all()
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert [source["name"] for source in manifest["sources"]] == ["maskable-ppo"]
    with pytest.raises(SegueError, match="agent of segue/Multicam-v0, not of segue/Melody-v0"):
        record_verb(replace(asked, env="segue/Melody-v0"), tmp_path / "x", ["segue"])
    with pytest.raises(SegueError, match="other observations"):
        record_verb(replace(asked, options={"steps": 9}), tmp_path / "x", ["segue"])


def test_illegal_actions_are_no_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("ppo", tmp_path)
    cuts = iter([0, 1] * 99)
    monkeypatch.setattr(players, "model_action", lambda model: lambda *_: next(cuts))
    with pytest.raises(SegueError, match="took an illegal action"):
        record_verb(Recording(MULTICAM, str(run), episodes=1), tmp_path / "out", ["segue"])
    assert not (tmp_path / "out").exists()


# --- what stops it -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_what_was_finished_before_an_interruption_is_kept(
    kind: int, inside: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes in the third of five episodes, and the fourth decision."""
    count = iter(range(99))

    def play(env: gym.Env[Any, Any], seen: Any, mask: Any) -> int:
        if next(count) == 8 * 2 + 3:
            os.kill(os.getpid(), kind)
        return int(mask.argmax())

    monkeypatch.setattr(players, "play_greedy", play)
    before = signal.getsignal(kind)
    asked = (MULTICAM, "--by", "greedy", *words(**OPTIONS), "--episodes", 5, "--out", "out")
    code, said, err = inside(*asked)
    assert code == 130
    assert said.startswith("kept 2 of 5 episodes")
    assert "Traceback" not in err
    assert [episode.seed for episode in kept(tmp_path / "out")] == [0, 1]
    assert signal.getsignal(kind) == before

    count = iter([19])
    code, said, err = inside(*asked[:-1], "none")
    assert (code, said) == (130, "")
    assert not (tmp_path / "none").exists()


WRONG = (
    ((MULTICAM, "--by", "nobody"), "choose optimum, greedy"),
    ((MULTICAM, "--episodes", 0), "at least one"),
    ((MULTICAM, "--seed", 9_995), "for testing"),
    ((MULTICAM, "--option", "steps"), "'steps' is no option"),
    ((MULTICAM, "--option", "steps=[1"), "is no option"),
    ((MULTICAM, "--option", "stairs=1"), "does not take these options"),
    (("segue/Melody-v0", "--by", "optimum"), "no expert"),
    (("CartPole-v1", "--by", "optimum"), "CartPole-v1 has no expert action"),
    (("CartPole-v1", "--by", "corpus"), "no corpus of CartPole-v1"),
    (("MountainCarContinuous-v0", "--by", "random"), "not discrete"),
    (("segue/Nothing-v0",), "no environment"),
)


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_input_is_one_sentence(
    arguments: tuple[object, ...], said: str, inside: Run, tmp_path: Path
) -> None:
    code, out, err = inside(*arguments, "--out", "out")
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line.startswith("segue: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert lines[0].endswith(".")
    assert list(tmp_path.iterdir()) == []


def test_options_are_read_as_yaml() -> None:
    texts = ["steps=8", "seconds=0.5", "reward_weights={pacing: 0}", "mode=frames", "bank="]
    assert parse_options(texts) == {
        "steps": 8,
        "seconds": 0.5,
        "reward_weights": {"pacing": 0},
        "mode": "frames",
        "bank": None,
    }


# --- a person ----------------------------------------------------------------------------------


def test_a_person_types_and_sees_what_comes_of_it(inside: Run, tmp_path: Path) -> None:
    """A shot is held for two steps, so that every other step leaves nothing to be asked."""
    env = make_env(MULTICAM, OPTIONS)
    env.reset(seed=0)
    for action in (2, 2, 1, 1, 0, 0):
        env.step(action)
    greedy = env.get_wrapper_attr("greedy_action")()
    asked = (*words(**OPTIONS), "--by", "person", "--episodes", 9, "--out", "out", "--json")
    code, said, err = inside(MULTICAM, *asked, typed="2\nx\n9\n?\n1\n 0 \n\n2\nQ\n")
    assert code == 0, err
    assert (json.loads(said)["episodes"], json.loads(said)["interrupted"]) == (1, False)
    (episode,) = kept(tmp_path / "out")
    assert episode.actions.tolist() == [2, 2, 1, 1, 0, 0, greedy, greedy]
    assert episode.source == "person"
    assert "0 wide     1 close 1  2 close 2" in err
    assert "camera: close 2, the only one that is legal" in err
    assert "'x' is none of them" in err
    assert "'9' is none of them" in err
    assert f"over: return {episode.total:.3f} in 8 steps" in err
    assert "visibility" in err
    with Image.open(tmp_path / "out" / PICTURE) as picture:
        assert picture.format == "PNG"
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["sources"][0]["licence"] == "LicenseRef-user"


@pytest.mark.parametrize("typed", ["", "q\n", "2\nnothing\n"])
def test_nothing_is_kept_of_an_episode_that_is_not_finished(
    typed: str, inside: Run, tmp_path: Path
) -> None:
    asked = (*words(**OPTIONS), "--by", "person", "--out", "out")
    code, said, err = inside(MULTICAM, *asked, typed=typed)
    assert (code, said) == (2, "")
    assert "No episode was finished" in err
    assert list(tmp_path.iterdir()) == []


class Stranger(gym.Env[int, Any]):
    """Two choices at once, one of them named by nobody; drawn, at first."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    render_mode = "rgb_array"
    observation_space = spaces.Discrete(3)
    action_space: Any = spaces.MultiDiscrete([3, 2])
    drawn = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        """Begin."""
        return 0, {"action_mask": np.array([1, 0, 1, 1, 1], np.int8)}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """End at once."""
        return 1, float(action[0]), False, True, {"action_mask": np.ones(5, np.int8)}

    def render(self) -> Any:
        """A grey picture, then none for want of a library."""
        self.drawn += 1
        if self.drawn > 1:
            raise gym.error.DependencyNotInstalled("pygame is missing")
        return np.full((4, 4, 3), 128, np.uint8)


def asked_for(env: gym.Env[Any, Any], typed: str, picture: Path) -> tuple[Any, str]:
    """Action that a person types at first, and what is said."""
    said: list[str] = []
    desk = Desk(env, picture, said.append)
    observation, info = desk.reset(seed=0)
    mask = np.array(info["action_mask"], bool) if "action_mask" in info else None
    action = Person(io.StringIO(typed).readline, said.append)(desk, observation, mask)
    desk.step(action)
    return action, "\n".join(said)


def test_strangers_can_be_played_part_by_part(tmp_path: Path) -> None:
    action, said = asked_for(Stranger(), "1\n\n2\n1\n", tmp_path / "seen.png")
    assert action.tolist() == [2, 1]
    assert action.dtype == np.int64
    assert "'1' is none of them" in said
    assert "Nothing is suggested here" in said
    assert "There is no picture (pygame is missing)." in said
    assert np.asarray(Image.open(tmp_path / "seen.png")).tolist() == [[[128] * 3] * 4] * 4
    with pytest.raises(Stopped):
        asked_for(Stranger(), "2\n", tmp_path / "seen.png")
    one = Stranger()
    one.action_space = spaces.Discrete(5, start=1)
    one.get_action_meanings = lambda: ["NOOP", "LEFT"]  # type: ignore[attr-defined]
    assert choices_of(one)[0].names == ("NOOP", "LEFT", "2", "3", "4")


NAMES = {
    "segue/Montage-v0": [
        ("in-point", "middle", 1),
        ("length", "8 beats", 5),
        ("effect", "none", 0),
    ],
    "segue/Melody-v0": [("token", "C3", 2)],
    "segue/LeadSheet-v0": [("token", "C6", 26)],
    "segue/Highlight-v0": [("shot", "keep", 1)],
    "segue/Counterpoint-v0": [("pitch", "D4", 0), ("pitch", "A4", 7)],
}


@pytest.mark.parametrize("name", NAMES)
def test_choices_are_called_what_they_are(name: str) -> None:
    env = make_env(name, {})
    env.reset(seed=0)
    named = {choice.name: choice.names for choice in choices_of(env)}
    assert [len(names) for names in named.values()] == choice_sizes(env.action_space)
    for part, word, number in NAMES[name]:
        assert named[part][number] == word
