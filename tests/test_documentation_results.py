"""What the pages of the environments show: trained, drawn and measured as they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

import segue.envs
from segue.envs.base.errors import SegueError
from segue.experiments import env_pictures
from segue.experiments.env_pictures import PLANS, Plan, frames, main, write_animation
from segue.experiments.env_results import (
    FILE,
    EnvironmentResult,
    PolicyRow,
    picture_path,
    read_results,
    results_section,
    write_results,
)
from segue.experiments.evaluation import baselines, episode_bounds, greedy_action
from segue.experiments.learning import make_env

ROOT = Path(__file__).parents[1]
KNOWN = read_results(ROOT / FILE)


def result(bounds: Sequence[float], exact: bool, **returns: Sequence[float]) -> EnvironmentResult:
    rows = tuple(PolicyRow(name, "", "", 0, tuple(of)) for name, of in returns.items())
    return EnvironmentResult("x/Y-v0", {}, 10_000, tuple(bounds), exact, rows, "random")


def test_every_environment_has_a_plan_and_a_result() -> None:
    assert tuple(PLANS) == segue.envs.IDS
    assert tuple(KNOWN) == segue.envs.IDS


@pytest.mark.parametrize("env_id", segue.envs.IDS)
def test_the_committed_baselines_and_bounds_are_those_of_today(env_id: str) -> None:
    known = KNOWN[env_id]
    env = make_env(env_id, known.options)
    seeds = range(known.first_seed, known.first_seed + 2)
    rows = {row.label: row for row in known.rows}
    bounds = episode_bounds(env, seeds)
    assert bounds is not None
    assert bounds.exact == known.exact
    np.testing.assert_allclose(bounds.values, known.bounds[:2], rtol=1e-9)
    greedy = next(one for one in baselines(env, seeds) if one.name == "greedy")
    np.testing.assert_allclose(greedy.returns, rows["greedy"].returns[:2], rtol=1e-6)


@pytest.mark.parametrize("env_id", segue.envs.IDS)
def test_nothing_is_above_the_bound_and_who_learnt_is_above_random(env_id: str) -> None:
    known = KNOWN[env_id]
    random, *others = known.rows
    assert random.label == "random"
    for row in others:
        shares = known.shares(row)
        assert shares.max() <= 1 + 1e-6
        assert shares.mean() > known.shares(random)[: len(shares)].mean()
    assert known.shown in {row.label for row in others if row.command}


def test_shares_are_of_the_bound_or_of_the_way_to_it() -> None:
    positive = result([2.0, 4.0], True, random=[1.0, 1.0], agent=[2.0])
    assert positive.shares(positive.rows[0]).tolist() == [0.5, 0.25]
    assert positive.shares(positive.rows[1]).tolist() == [1.0]
    costs = result([-2.0, -4.0], True, random=[-10.0, -14.0], agent=[-7.0, -4.0])
    assert costs.shares(costs.rows[1]).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(("exact", "told"), [(True, "exact optimum"), (False, "upper bound")])
def test_the_section_tells_which_bound_it_is(exact: bool, told: str) -> None:
    text = results_section(result([2.0, 4.0], exact, random=[1.0, 1.0]), ROOT)
    assert f"| {told} |" in text
    assert text.count("upper") == (0 if exact else 4)
    assert "| random " in text
    assert " bc " not in text


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "environments.json"
    assert read_results(path) == {}
    write_results(path, list(KNOWN.values()))
    assert read_results(path) == KNOWN
    assert path.read_text(encoding="utf-8") == (ROOT / FILE).read_text(encoding="utf-8")
    record = json.loads(path.read_text(encoding="utf-8"))
    for broken in ("{", json.dumps(record | {"format": "other"}), "[]", '{"format": 1}'):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(SegueError, match="cannot be read"):
            read_results(path)


def test_an_episode_is_drawn_from_its_first_to_its_last_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(env_pictures, "FRAMES", 8)  # 120 steps are no multiple of 18.
    env = gym.make("segue/Multicam-v0", render_mode="rgb_array")
    pictures = frames(env, greedy_action, seed=3)
    assert 2 < len(pictures) <= env_pictures.FRAMES
    assert len({one.size for one in pictures}) == 1
    assert pictures[0].width == env_pictures.WIDTH
    last = _drawn(env)
    env.reset(seed=3)
    for found, wanted in ((pictures[0], _drawn(env)), (pictures[-1], last)):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))
    assert np.asarray(pictures[0]).tolist() != np.asarray(last).tolist()


def _drawn(env: gym.Env[Any, Any]) -> Image.Image:
    found = Image.fromarray(np.asarray(env.render()))
    size = env_pictures.WIDTH, round(env_pictures.WIDTH * found.height / found.width)
    return found.resize(size, Image.Resampling.LANCZOS)


def test_pictures_that_grow_are_filled_up() -> None:
    env = gym.make("segue/Counterpoint-v0", render_mode="rgb_array")
    pictures = frames(env, greedy_action, seed=3)
    assert len({one.size for one in pictures}) == 1
    assert (np.asarray(pictures[0])[-1] == 255).all()


def test_an_animation_plays_for_ever_and_stands_at_the_end(tmp_path: Path) -> None:
    colours = ["red", "green", "blue"]
    pictures = [Image.new("RGB", (64, 32), colour) for colour in colours]
    for picture in pictures:  # All colours are in the last picture, from which the palette is.
        for x, colour in enumerate(colours):
            picture.paste(colour, (20 * x, 0, 20 * x + 10, 8))
    write_animation(pictures, tmp_path / "a.gif")
    write_animation(pictures, tmp_path / "b.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as found:
        assert found.n_frames == 3
        assert found.info["loop"] == 0
        seen, durations = [], []
        for number in range(3):
            found.seek(number)
            seen.append(found.convert("RGB").getpixel((60, 30)))
            durations.append(found.info["duration"])
    assert seen == [(255, 0, 0), (0, 128, 0), (0, 0, 255)]
    assert durations[-1] == 1000 * env_pictures.LAST_SECONDS > durations[0]


def test_the_command_makes_one_environment_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    env_id, other = "segue/Counterpoint-v0", KNOWN["segue/Melody-v0"]
    settings = ("steps=64", "num_envs=4", "hyperparameters.n_steps=16", "eval_episodes=3")
    monkeypatch.setitem(PLANS, env_id, Plan("maskable-ppo", settings, tables=2))
    (tmp_path / FILE.parent).mkdir(parents=True)
    write_results(tmp_path / FILE, [replace(other, env=env_id), other])
    assert main([env_id, "--root", str(tmp_path)]) == 0
    found = read_results(tmp_path / FILE)
    assert found[other.env] == other
    made = found[env_id]
    rows = {row.label: row for row in made.rows}
    assert list(rows) == ["random", "greedy", "maskable-ppo", "q-learning"]
    assert made.options == {"cantus": "fux", "generated": 14, "cantus_seed": 1000}
    assert (len(made.bounds), made.exact, made.shown) == (3, True, "q-learning")
    assert rows["q-learning"].returns == made.bounds[:2], "a table finds the optimum"
    assert "--set steps=64" in rows["maskable-ppo"].command
    with Image.open(tmp_path / picture_path(env_id)) as picture:
        assert picture.n_frames > 5
    assert main(["segue/Nothing-v0", "--root", str(tmp_path)]) == 2
    assert "There is no plan for 'segue/Nothing-v0'" in capsys.readouterr().err
