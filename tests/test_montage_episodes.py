"""Episodes of `segue/Montage-v0`, and what is seen of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from montage_bins import EIGHT, FOUR, TWO, Array, act, even_bank, hand_bank, lay, start

from segue.envs.film.shots import FEATURES, THIRDS, THUMBNAIL
from segue.envs.montage import views
from segue.envs.montage.env import MontageEnv
from segue.envs.montage.observation import SHOT_WIDTH
from segue.envs.montage.pictures import thumbnails
from segue.envs.montage.types import FIRST, LENGTHS
from segue.rewards.film_view import MIRROR, NONE, WIPE

# --- episodes ----------------------------------------------------------------------------------


def test_the_film_ends_when_it_is_full() -> None:
    env = start(even_bank(80, 80, 80, 80))
    found = [
        env.step(act(shot, length=length))[1:3] for shot, length in ((0, FOUR), (3, TWO), (1, TWO))
    ]
    assert [terminated for _, terminated in found] == [False, False, True]
    placed = env.batch.timeline[0, :3]
    assert placed[:, 0].tolist() == [0, 3, 1]
    assert placed[:, 3].tolist() == [4, 2, 2]
    assert placed[:, 6].tolist() == [0, 4, 6]
    assert env.batch.piece_terms[0].sum() == pytest.approx(sum(r for r, _ in found))


def test_the_film_ends_when_no_shot_is_left_and_what_is_empty_costs() -> None:
    env = start(even_bank(20, 9, 10))
    _, _, terminated, _, info = env.step(act(0, length=TWO))
    assert (terminated, info["reward_terms"]["duration"]) == (False, 0.0)
    _, _, terminated, _, info = env.step(act(2))
    assert terminated
    assert info["reward_terms"]["duration"] == pytest.approx(-3.0 * 5 / 8)
    full = start(even_bank(80))
    _, _, terminated, _, info = full.step(act(0, length=EIGHT))
    assert (terminated, info["reward_terms"]["duration"]) == (True, 0.0)


def test_a_shot_too_short_for_any_beat_does_no_harm() -> None:
    bank = even_bank(80, 40, 1, beats=8)
    env = start(bank)
    env.step(act(2, 2, EIGHT))
    env.step(act(1, 2, EIGHT))
    assert env.batch.terminated[0]
    assert env.batch.timeline[0, :2, 0].tolist() == [0, 1] or env.batch.beat[0] == 8
    assert env.bound().exact
    assert np.isfinite(env.bound().value)


def test_what_a_reward_sees_of_a_piece() -> None:
    bank = even_bank(60, 30)
    feature = {name: bank.features[..., i] for i, name in enumerate(FEATURES)}
    piece = lay(bank, 1, 0, in_point=2, beat=4)
    one = [np.array([value]) for value in (0, 4, 0, 1, True, 1, WIPE, MIRROR)]
    view = views.look(bank, *one, piece)
    assert view.share.tolist() == [1 / 8]
    assert view.seconds.tolist() == [10 / 25]
    assert (view.first.tolist(), view.fills.tolist()) == ([False], [False])
    assert (view.strength.tolist(), view.energy.tolist()) == ([1.0], [0.125])
    assert (view.transition.tolist(), view.effect.tolist()) == ([WIPE], [MIRROR])
    # It begins in its last third (entry 2); the last piece ended in the middle third of shot 0.
    assert view.similarity == bank.similarity[0, 0, 1, 1, 2]
    for name in ("brightness", "saturation", "sharpness", "motion", "motion_y", "centroid_y"):
        assert getattr(view, name) == feature[name][0, 1, 2]
    for name in ("motion_x", "centroid_x"):
        assert getattr(view, name) == -feature[name][0, 1, 2]
        assert getattr(view, f"last_{name}") == -feature[name][0, 0, 1]
    for name in ("motion_y", "centroid_y"):
        assert getattr(view, f"last_{name}") == feature[name][0, 0, 1]
    assert (view.position, view.last_position) == (bank.position[0, 1], bank.position[0, 0])
    assert (view.rise, view.same_film, view.recency) == (-0.375, True, 0.0)
    plain = views.look(bank, *one[:4], np.array([False]), one[5], one[6], np.array([NONE]), piece)
    assert plain.motion_x == feature["motion_x"][0, 1, 2]
    assert plain.last_centroid_x == feature["centroid_x"][0, 0, 1]
    first = views.look(bank, *one[:2], np.array([FIRST]), *one[3:], piece)
    assert first.first.tolist() == [True]
    last = views.look(bank, one[0], np.array([7]), *one[2:], lay(bank, 1, 0, beat=7))
    assert last.fills.tolist() == [True]


def test_the_next_piece_is_judged_by_how_the_last_one_ended() -> None:
    env = start(even_bank(60, 80))
    env.step(act(0, in_point=1, length=0, effect=MIRROR))
    batch = env.batch
    # 60 usable, 10 shown, 25 spare on either side: the middle third.
    assert (batch.last_shot[0], batch.last_third[0], bool(batch.last_mirrored[0])) == (0, 1, True)
    env.step(act(1, in_point=2, length=0))
    assert (batch.last_shot[0], batch.last_third[0], bool(batch.last_mirrored[0])) == (1, 2, False)


def test_the_observation_tells_shots_and_music() -> None:
    bank = even_bank(48, 960, 30)
    env = start(bank)
    seen = env.batch.observation
    assert isinstance(seen, dict)
    shots, context = seen["shots"][0].reshape(3, SHOT_WIDTH), seen["context"][0]
    told = [i for i, name in enumerate(FEATURES) if name not in ("contrast", "warmth")]
    static = THIRDS * len(told)
    np.testing.assert_array_equal(shots[:, :static], bank.features[0][..., told].reshape(3, -1))
    assert shots[:, static].tolist() == pytest.approx([0.5, 2.0, 0.3125])
    np.testing.assert_array_equal(shots[:, static + 1], bank.position[0])
    assert shots[:, static + 2 :].tolist() == [[0.0] * 12 + [1.0]] * 3
    np.testing.assert_array_equal(context[:9], [*bank.strength, 0.0])
    first = bank.energy[:1].repeat(4)
    np.testing.assert_array_equal(context[9:22], [*first, *bank.energy, 0.0])
    assert context[22:28].tolist() == pytest.approx([n * 10 / 96 for n in LENGTHS])
    assert context[28:].tolist() == pytest.approx([0, 0, 1] + [0] * 12)
    env.step(act(1, in_point=2, length=1, effect=MIRROR))
    np.testing.assert_allclose(shots[:, -3], bank.position[0] - bank.position[0, 1])
    assert shots[:, -4].tolist() == [1.0] * 3
    assert shots[:, -2].tolist() == [0.0, 1.0, 0.0]
    assert shots[:, -1].tolist() == [1.0, 0.0, 1.0]
    np.testing.assert_array_equal(context[:9], [*bank.strength[2:], 0.0, 0.0, 0.0])
    around = [*bank.energy[:1].repeat(2), *bank.energy, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(context[9:22], around)
    angle = 2 * np.pi * 2 / 16
    assert context[28:31].tolist() == pytest.approx([0.25, np.sin(angle), np.cos(angle)])
    turned = bank.features[0, 1, 2].copy()
    turned[[FEATURES.index("motion_x"), FEATURES.index("centroid_x")]] *= -1
    np.testing.assert_array_equal(context[31:41], turned)
    assert context[41:].tolist() == [1.0, 1.0]
    end = dict(zip(FEATURES, turned.tolist(), strict=True))
    pairs = shots[:, static + 2 : -4].reshape(3, THIRDS, 3)
    np.testing.assert_array_equal(pairs[..., 0], bank.similarity[0, 1, 2])
    for shot, third in product(range(3), range(THIRDS)):
        own = dict(zip(FEATURES, bank.features[0, shot, third].tolist(), strict=True))
        away = [own[name] - end[name] for name in ("centroid_x", "centroid_y")]
        closeness = 1 / (1 + 2 * (away[0] ** 2 + away[1] ** 2))
        along = sum(own[name] * end[name] for name in ("motion_x", "motion_y"))
        assert pairs[shot, third, 1:].tolist() == pytest.approx([closeness, along], abs=1e-6)


def test_the_observation_stays_within_its_space_when_lengths_are_long() -> None:
    env = start(hand_bank([4000] * 3, [300] * 8))
    space = env.observation_space
    for shot in range(3):
        assert space.contains({k: v[0] for k, v in env.batch.observation.items()})
        env.step(act(shot))


def test_the_contact_sheet_darkens_used_shots() -> None:
    env = MontageEnv(observation_mode="frames", shots=6, beats=8, bins=2)
    observation, _ = env.reset(seed=0)
    sheet = observation["contact_sheet"]
    height, width = THUMBNAIL
    assert sheet.shape == (2 * height, 4 * width, 3)
    pictures = thumbnails(env.task.bank, int(env.batch.bin[0]))[:, 1]

    def tile(picture: Array, shot: int) -> Array:
        top, left = shot // 4 * height, shot % 4 * width
        return picture[top : top + height, left : left + width]

    for shot in range(6):
        expected = pictures[shot]
        np.testing.assert_array_equal(tile(sheet, shot), expected)
        assert expected.any()
    assert not tile(sheet, 6).any()
    sheet = env.step(act(4))[0]["contact_sheet"]
    assert not tile(sheet, 4).any()
    np.testing.assert_array_equal(tile(sheet, 3), pictures[3])
