"""Rules, optimum, learning and drawn scenes of `segue/Multicam-v0`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from segue.agents.tabular import train_compiled, value_iteration
from segue.envs.base.errors import SegueError
from segue.envs.base.tabular import best_line
from segue.envs.multicam import dynamics
from segue.envs.multicam.env import MulticamEnv, MulticamVectorEnv
from segue.envs.multicam.generator import draw_scene, lay_out, set_ups
from segue.envs.multicam.types import (
    LEVELS,
    NO_THUMBNAILS,
    SIZES,
    Camera,
    Rules,
    Scene,
)
from segue.experiments.compose import optimistic_table, q_learning_config

HALF = Fraction(1, 2)


def random_scene(seed: int, cameras: int = 3, steps: int = 6) -> Scene:
    """A scene with everything drawn at random; neighbouring cameras may be nearly alike."""
    generator = np.random.default_rng(seed)
    alike = generator.random((cameras, cameras))
    return Scene(
        title=f"Random {seed}",
        seconds=HALF,
        cameras=tuple(
            Camera(f"camera {k}", int(generator.integers(SIZES))) for k in range(cameras)
        ),
        levels=generator.integers(0, LEVELS, (steps, cameras)).astype(np.int8),
        emphasis=generator.integers(0, SIZES, steps).astype(np.int8),
        orients=generator.random(steps) < 0.3,
        similarity=np.maximum(alike, alike.T),
        thumbnails=NO_THUMBNAILS,
    )


def start(scene: Scene, **options: Any) -> MulticamEnv:
    env = MulticamEnv(scenes=[scene], **options)
    env.reset(seed=0)
    return env


def play(env: MulticamEnv, programme: Any) -> tuple[float, list[dict[str, float]]]:
    """Return and terms of a programme from the scene's first step on."""
    env.reset(seed=0)
    results = [env.step(camera) for camera in programme]
    return sum(r[1] for r in results), [r[4]["reward_terms"] for r in results]


def masks(env: MulticamEnv) -> list[int]:
    return np.flatnonzero(env.action_masks()).tolist()


# --- what is legal -----------------------------------------------------------------------------


def test_a_shot_is_held() -> None:
    env = start(random_scene(0, steps=12), hold=3)
    assert masks(env) == [0, 1, 2]
    for action, allowed in ((1, [1]), (1, [1]), (1, [0, 1, 2]), (1, [0, 1, 2]), (2, [2]), (2, [2])):
        env.step(action)
        assert masks(env) == allowed
    env.step(2)
    assert masks(env) == [0, 1, 2]


def test_no_cut_leaves_less_than_a_shot() -> None:
    env = start(random_scene(0, steps=6), hold=2)
    for allowed in ([0, 1, 2], [0], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0]):
        assert masks(env) == allowed
        env.step(0)
    short = start(random_scene(0, steps=2), hold=5, longest=5)
    short.step(2)
    assert masks(short) == [2]


def test_an_illegal_action_is_the_lowest_legal_camera() -> None:
    env = start(random_scene(1, steps=8), hold=2)
    shown = []
    for action in (7, 1, -1, 2, 2, 2**40, 0, 1):
        shown.append(env.step(action)[4]["reward_terms"]["legality"])
    weight = env.multicam.table.values.min()
    assert weight < 0
    assert env.programme.tolist() == [0, 0, 0, 2, 2, 0, 0, 0]
    assert [value < 0 for value in shown] == [True, True, True, False, False, True, False, True]


def test_a_camera_that_the_scene_lacks_is_illegal() -> None:
    scenes = [random_scene(0, cameras=2), random_scene(1, cameras=11)]
    env = MulticamEnv(scenes=scenes, hold=1)
    seen = set()
    for seed in range(8):
        env.reset(seed=seed)
        count = len(env.scene.cameras)
        assert masks(env) == list(range(count))
        seen.add(count)
        observation, *_ = env.step(count)
        assert env.programme.tolist() == [0]
        assert env.observation_space.contains(observation)
    assert seen == {2, 11}


def test_the_state_follows_the_shots() -> None:
    for camera, previous, age in ((2, 1, 3), (0, 4, 1), (3, 2, 6)):
        assert dynamics.transition(camera, previous, age, camera, 6) == (
            camera,
            previous,
            min(age + 1, 6),
        )
        assert dynamics.transition(camera, previous, age, 1, 6) == (1, camera, 1)
    assert dynamics.transition(4, 4, 0, 2, 6) == (2, 4, 1)


@pytest.mark.parametrize(("cameras", "longest"), [(1, 1), (3, 4), (5, 24)])
def test_contexts_are_numbered_without_gaps(cameras: int, longest: int) -> None:
    last = cameras * (cameras + 1) * longest
    states = [dynamics.state_of(context, cameras, longest) for context in range(last + 1)]
    assert len(set(states)) == last + 1
    assert states[-1] == (cameras, cameras, 0)
    assert [dynamics.context_of(*state, cameras, longest) for state in states] == list(
        range(last + 1)
    )


def test_the_observation_tells_past_and_future() -> None:
    scene = random_scene(3, cameras=2, steps=7)
    env = start(scene, hold=1)
    for action in (1, 1, 0):
        observation, *_ = env.step(action)
    ahead = [3, 4, 5, 6]
    views = [
        [camera.size + 1, *scene.levels[ahead, k].tolist()]
        for k, camera in enumerate(scene.cameras)
    ]
    alike = np.rint(scene.similarity[0] * 3).astype(int).tolist()
    assert observation.tolist() == [
        *(3, 4, 0, 1, 1),
        *scene.emphasis[ahead].tolist(),
        *scene.orients[ahead].astype(int).tolist(),
        *views[0],
        *views[1],
        *(1, 2, 1, 1),
        *alike,
    ]


# --- the optimum -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rules", [{"hold": 1, "longest": 6}, {"hold": 2, "longest": 3}])
def test_brute_force_agrees_with_the_optimum(seed: int, rules: dict[str, int]) -> None:
    env = start(random_scene(seed, cameras=2 + seed % 2, steps=6 + seed % 2), **rules)
    best = -np.inf
    for programme in product(range(2 + seed % 2), repeat=env.scene.steps):
        total, terms = play(env, programme)
        if all(step["legality"] == 0.0 for step in terms):
            best = max(best, total)
    env.reset(seed=0)
    assert env.bound().exact
    assert env.optimum() == pytest.approx(best, abs=1e-9)
    found, programme = best_line(env.transition_model())
    assert play(env, programme)[0] == pytest.approx(found, abs=1e-9)


def test_value_iteration_agrees_with_the_optimum() -> None:
    env = MulticamEnv(scenes=1, cameras=3, steps=30)
    env.reset(seed=0)
    model = env.transition_model()
    assert value_iteration(model).values[model.start] == pytest.approx(env.optimum(), abs=1e-9)


def test_the_model_is_the_environment() -> None:
    env = MulticamEnv(scenes=[random_scene(0, 4, 9), random_scene(1, 3, 12)], hold=2, longest=5)
    generator = np.random.default_rng(0)
    for seed in range(6):
        observation, info = env.reset(seed=seed)
        model, state = env.transition_model(), env.transition_model().start
        for step in range(model.horizon):
            assert env.state_index(observation) == state
            np.testing.assert_array_equal(model.legal[state], info["action_mask"] == 1)
            action = int(generator.choice(np.flatnonzero(model.legal[state])))
            observation, reward, over, _, info = env.step(action)
            assert reward == pytest.approx(model.reward[state, action], abs=1e-12)
            assert over == model.terminal[state, action] == (step + 1 == model.horizon)
            state = int(model.next_state[state, action])


@pytest.mark.parametrize("seed", range(3))
def test_q_learning_reaches_the_optimum(seed: int) -> None:
    env = MulticamEnv(scenes=1, scene_seed=seed)
    env.reset(seed=0)
    model = env.transition_model()
    config = q_learning_config(model, seed, 200_000)
    table = train_compiled(model, config, table=optimistic_table(model, seed))
    total, observation, info, over = 0.0, *env.reset(seed=0), False
    while not over:
        state = env.state_index(observation)
        action = int(np.where(info["action_mask"] == 1, table.q[state], -np.inf).argmax())
        observation, reward, over, _, info = env.step(action)
        total += reward
    assert total >= 0.99 * env.optimum()


def repeat(env: MulticamEnv, choose: Any) -> float:
    env.reset(seed=0)
    total, over = 0.0, False
    while not over:
        legal = masks(env)
        on_air = int(env.programme[-1]) if len(env.programme) else -1
        _, reward, over, _, _ = env.step(choose(legal, on_air))
        total += reward
    return total


@pytest.mark.parametrize("seed", range(4))
def test_exploits_are_worth_less_than_random_cutting(seed: int) -> None:
    env, generator = MulticamEnv(scenes=1, scene_seed=seed), np.random.default_rng(seed)

    def elsewhere(legal: list[int], on_air: int) -> int:
        others = [camera for camera in legal if camera != on_air]
        return int(generator.choice(others or legal))

    random = np.mean([repeat(env, lambda legal, _: generator.choice(legal)) for _ in range(5)])
    assert np.mean([repeat(env, elsewhere) for _ in range(5)]) < random
    assert max(repeat(env, lambda legal, _, c=c: c) for c in range(4)) < random
    env.reset(seed=0)
    assert random < repeat(env, lambda *_: env.greedy_action()) < env.optimum()


# --- scenes ------------------------------------------------------------------------------------


def test_drawn_scenes_follow_the_speaker() -> None:
    better, seen = [], set()
    for seed in range(12):
        scene = draw_scene(5, 240, HALF, np.random.default_rng(seed))
        seen.add(scene.title)
        assert scene.levels.shape == (240, 5)
        assert scene.levels.min() >= 0
        assert scene.levels.max() == LEVELS - 1
        assert [camera.name for camera in scene.cameras[:2]] == ["wide", "close 1"]
        assert scene.orients[:4].all()
        assert np.bincount(scene.emphasis, minlength=SIZES).tolist() == [60] * SIZES
        np.testing.assert_array_equal(scene.similarity, scene.similarity.T)
        np.testing.assert_array_equal(np.diag(scene.similarity), 1.0)
        close = [k for k, camera in enumerate(scene.cameras) if camera.size == SIZES - 1]
        # Somebody speaks most of the time, and is seen best in the close-up.
        better.append((scene.levels[:, close].max(axis=1) > scene.levels[:, 0]).mean())
    assert seen == {"Conversation of 2", "Conversation of 3", "Conversation of 4"}
    assert min(better) > 0.5


def test_seeds_draw_scenes() -> None:
    one, same, other = (
        MulticamEnv(scenes=2, scene_seed=seed).multicam.bank.seen for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_set_ups_show_who_they_name() -> None:
    names = [setup.name for setup in set_ups(3)]
    assert names[:4] == ["wide", "close 1", "close 2", "close 3"]
    assert len(set(names)) == len(names) == 10
    assert len(set_ups(4)) == 15


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cameras": 1}, "2 to 15 cameras"),
        ({"cameras": 16}, "2 to 15 cameras"),
        ({"steps": 0}, "1 to 4096 steps"),
        ({"scenes": 0}, "No scene"),
        ({"hold": 0}, "hold is 0"),
        ({"hold": 30}, "hold is 30 and longest 24"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SegueError, match=said):
        MulticamEnv(**options)


def test_scenes_that_do_not_fit_together_are_refused() -> None:
    scene = random_scene(0)
    with pytest.raises(SegueError, match="several lengths"):
        lay_out([scene, replace(scene, seconds=Fraction(1))], Rules())
    with pytest.raises(SegueError, match="'Random 0' has 61 cameras"):
        lay_out([replace(scene, cameras=scene.cameras[:1] * 61)], Rules())


def test_sixty_cameras_work() -> None:
    vector = MulticamVectorEnv(2, scenes=[random_scene(0, cameras=60, steps=5)], hold=1)
    _, info = vector.reset(seed=0)
    assert info["action_mask"].shape == (2, 60)
    assert info["action_mask"].all()
    _, _, _, _, info = vector.step(np.array([59, 60]))
    assert info["reward_terms"]["legality"].tolist() == [0.0, -0.5]
    assert vector.batch.history[0].tolist() == [59, 0]
