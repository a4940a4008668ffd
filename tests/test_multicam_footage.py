"""Scenes, edits and demonstrations of `segue/Multicam-v0` from generated footage."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from segue.envs.base.errors import SegueError
from segue.envs.base.tabular import best_line
from segue.envs.film.edit import Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.plan import check_edit
from segue.envs.film.renderer import render
from segue.envs.multicam import watching
from segue.envs.multicam.demonstration import (
    Shot,
    actions_of_shots,
    scene_of_shots,
    shots_of_edit,
)
from segue.envs.multicam.env import MulticamEnv
from segue.envs.multicam.footage import scenes_from_footage
from segue.envs.multicam.framings import FRAMINGS, overlap
from segue.envs.multicam.generator import draw_scene
from segue.envs.multicam.timeline import shots_of
from segue.envs.multicam.types import Scene

RATE, SECONDS, SIZE = 24, 8, (192, 108)
SOUND_RATE = 22_050


def write_take(
    path: Path, sides: str, loud: str = "", rate: int = RATE, seconds: int = SECONDS
) -> Path:
    """Write a film of a striped block that shivers on one side (l or r) of a grey picture.

    Each letter of `sides` and, for the sound, of `loud` (y or n) stands for an equal part of it;
    ``-`` is no block at all.
    """
    width, height = SIZE
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if loud else None
        count = rate * seconds
        for number in range(count):
            side = sides[number * len(sides) // count]
            picture = np.full((height, width, 3), 90, dtype=np.uint8)
            if side != "-":
                left = (20 if side == "l" else width - 60) + 4 * (number // 2 % 2)
                for stripe in range(left, left + 40, 8):
                    picture[30:70, stripe : stripe + 4] = (230, 40, 40)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if isinstance(audio, AudioStream):
            at = np.arange(SOUND_RATE * seconds)
            gain = np.array([0.5 if part == "y" else 0.01 for part in loud])
            wave = gain[at * len(loud) // len(at)] * np.sin(2 * np.pi * 440 * at / SOUND_RATE)
            sound = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
            sound.sample_rate, sound.pts = SOUND_RATE, 0
            container.mux(audio.encode(sound))
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("takes")


@pytest.fixture(scope="module")
def take(folder: Path) -> Path:
    return write_take(folder / "take.mp4", "lr", "yn")


@pytest.fixture(scope="module")
def pair(folder: Path) -> list[Path]:
    """Two cameras; the second was started two seconds later and films at another rate."""
    return [
        write_take(folder / "anna.mp4", "llll----", "yyyynnnn"),
        write_take(folder / "bert.mp4", "---rrr", "nnnyyy", rate=30, seconds=6),
    ]


@pytest.fixture(autouse=True)
def own_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_CACHE", str(folder / "cache"))


@pytest.fixture(autouse=True)
def no_effects_left() -> Iterator[None]:
    """Registered effects are choices of other environments."""
    before = set(EFFECTS)
    yield
    for name in set(EFFECTS) - before:
        EFFECTS.pop(name)


def lane(scene: Scene, name: str) -> Any:
    names = [camera.name for camera in scene.cameras]
    return scene.levels[:, names.index(name)].astype(int)


def best_edit(scenes: tuple[Scene, ...]) -> tuple[MulticamEnv, Edit]:
    env = MulticamEnv(scenes=scenes, render_mode="rgb_array")
    env.reset(seed=0)
    for action in best_line(env.transition_model())[1]:
        env.step(action)
    return env, env.edit("Best")


# --- one take ----------------------------------------------------------------------------------


def test_a_single_take_becomes_virtual_cameras_that_follow_the_action(take: Path) -> None:
    told: list[str] = []
    (scene,) = scenes_from_footage(take, progress=lambda share, text: told.append(text))
    assert scene.note == told[-1] == "virtual cameras: crops of one take, take.mp4"
    assert [camera.name for camera in scene.cameras] == ["wide", "left", "right", "close"]
    assert scene.steps == SECONDS * 2
    left, right, wide = (lane(scene, name) for name in ("left", "right", "wide"))
    half = scene.steps // 2
    assert (left[:half] > wide[:half]).all()
    assert (right[half + 1 :] > wide[half + 1 :]).all()
    assert (right[1:half] < wide[1:half]).all()
    assert set(wide.tolist()) == {4}  # all of the action, small: .55 of seven
    assert scene.similarity[1, 2] == pytest.approx(overlap(FRAMINGS["left"], FRAMINGS["right"]))
    assert len(np.unique(scene.thumbnails[0].reshape(4, -1), axis=0)) == 4


def test_the_environment_says_that_cameras_are_virtual(take: Path, pair: list[Path]) -> None:
    with pytest.warns(UserWarning, match=r"virtual cameras: crops of one take, take\.mp4"):
        env = MulticamEnv(footage=str(take), steps=8)
    assert [scene.steps for scene in env.multicam.bank.scenes] == [8, 8]
    assert MulticamEnv(footage=pair, steps=8).multicam.bank.scenes[0].note == ""


def test_overlap_is_shared_area() -> None:
    assert overlap(FRAMINGS["wide"], FRAMINGS["wide"]) == pytest.approx(1.0)
    assert overlap(FRAMINGS["wide"], FRAMINGS["close"]) == pytest.approx(0.16)
    assert overlap(FRAMINGS["left"], FRAMINGS["right"]) == pytest.approx(0.12 / 0.60)


def test_an_edit_of_a_take_reframes_it(take: Path, tmp_path: Path) -> None:
    env, edit = best_edit(scenes_from_footage(take))
    check_edit(edit)
    assert edit.frames == RATE * SECONDS
    assert edit.music == take
    effects = [cut.effect for cut in edit.cuts]
    assert effects == [f"reframe_{n}".replace("reframe_wide", "none") for n in names_of(env)]
    assert {"reframe_left", "reframe_right"} <= set(effects)
    assert [cut.in_point for cut in edit.cuts] == np.cumsum(
        [0, *(cut.frames for cut in edit.cuts[:-1])]
    ).tolist()
    total = {name: sum(cut.reward_terms[name] for cut in edit.cuts) for name in env.task.term_names}
    assert sum(total.values()) == pytest.approx(env.optimum())
    assert all("(-" in cut.runner_up or "(+0.00)" in cut.runner_up for cut in edit.cuts)
    render(edit, tmp_path / "film.mp4", workers=1)
    shot = next(k for k, cut in enumerate(edit.cuts) if cut.effect == "reframe_left")
    middle = sum(cut.frames for cut in edit.cuts[:shot]) + edit.cuts[shot].frames // 2
    red = [(picture[..., 0] > 150).sum(axis=0) for picture in frames_of(tmp_path / "film.mp4")]
    source = [(picture[..., 0] > 150).sum(axis=0) for picture in frames_of(take)]
    assert len(red) == RATE * SECONDS
    # The block stands 20 to 64 pixels from the left, and is enlarged 1 / .6 times.
    assert extent(red[middle]) == pytest.approx([at / 0.6 for at in extent(source[middle])], abs=4)


def names_of(env: MulticamEnv) -> list[str]:
    return [env.scene.cameras[camera].framing for camera, _, _ in shots_of(env.programme)]


def frames_of(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def extent(columns: Any) -> list[int]:
    found = np.flatnonzero(columns > 5)
    return [int(found[0]), int(found[-1])]


# --- several files -----------------------------------------------------------------------------


def test_synchronised_files_are_the_cameras(pair: list[Path]) -> None:
    (scene,) = scenes_from_footage(pair, starts=[2.0, 0.0])
    assert scene.steps == 12
    assert [camera.name for camera in scene.cameras] == ["anna", "bert"]
    anna, bert = lane(scene, "anna"), lane(scene, "bert")
    # Anna acts until her second 4, which is 2 in the scene; Bert from his second 3 on.
    assert (anna[:4] > bert[:4]).all()
    assert (bert[6:] > anna[6:]).all()
    (unsynchronised,) = scenes_from_footage(pair)
    assert (lane(unsynchronised, "anna")[:8] > lane(unsynchronised, "bert")[:8]).sum() > 4


def test_an_edit_of_files_is_in_sync(pair: list[Path]) -> None:
    scenes = scenes_from_footage(pair, starts=[2.0, 0.0])
    env, edit = best_edit(scenes)
    check_edit(edit)
    assert len(edit.cuts) > 1
    assert edit.rate == RATE
    assert edit.frames == 6 * RATE
    assert (edit.music, edit.music_start) == (pair[0], 2.0)
    assert {cut.effect for cut in edit.cuts} == {"none"}
    at = Fraction(0)
    for cut in edit.cuts:
        offset = 2 if cut.source == pair[0] else 0
        assert cut.in_point == (at + offset) * cut.source_rate
        at += Fraction(cut.frames) / edit.rate
    assert {cut.source for cut in edit.cuts} == set(pair)
    assert not any(name.startswith("reframe") for name in EFFECTS)
    # And back: the edit is a demonstration that replays in the scene made of it.
    shots = shots_of_edit(edit)
    assert [shot.camera.split()[0] for shot in shots] == [cut.reel for cut in edit.cuts]
    replayed = actions_of_shots(shots, scene_of_shots(shots))
    again = [shot[1:] for shot in shots_of(replayed)]
    assert again == [shot[1:] for shot in shots_of(env.programme)]


def test_long_footage_becomes_several_scenes(pair: list[Path]) -> None:
    scenes = scenes_from_footage(pair, steps=12, seconds=0.25)
    assert [scene.steps for scene in scenes] == [12, 12]
    assert [scene.cameras[0].source.start for scene in scenes] == [0.0, 3.0]
    assert all(scene.seconds == Fraction(1, 4) for scene in scenes)


def test_what_was_seen_is_remembered(take: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = scenes_from_footage(take)

    def fail(*_: Any) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(watching, "_watch_file", fail)
    (again,) = scenes_from_footage(take)
    np.testing.assert_array_equal(first.levels, again.levels)
    np.testing.assert_array_equal(first.thumbnails, again.thumbnails)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"starts": [1.0]}, "starts has 1 numbers for 2 files"),
        ({"starts": [0.0, -1.0]}, "0 s or more"),
        ({"starts": [0.0, 5.0]}, r"anna\.mp4, bert\.mp4\) has 1\.0 s in common"),
        ({"steps": 0}, "0 steps"),
        ({"seconds": 0.0}, "steps of 0 s"),
    ],
)
def test_footage_that_cannot_be_used_is_said(
    pair: list[Path], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SegueError, match=said):
        scenes_from_footage(pair, **options)


def test_a_drawn_scene_is_no_edit() -> None:
    env = MulticamEnv(scenes=1)
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(SegueError, match="give a scene from footage"):
        env.edit()


# --- demonstrations and the picture ------------------------------------------------------------

TALK = (Shot("A", 1.9), Shot("B", 0.6), Shot("A", 0.1), Shot("C", 2.0), Shot("B", 1.0))


def test_a_demonstration_replays() -> None:
    scene = scene_of_shots(TALK, title="Talk")
    assert [camera.name for camera in scene.cameras] == ["A", "B", "C"]
    actions = actions_of_shots(TALK, scene)
    # Cuts at 1.9, 2.5, 2.6 and 4.6 s; the shot of .1 s lasts a step all the same.
    assert actions.tolist() == [0] * 4 + [1] + [0] + [2] * 3 + [1] * 2
    env = MulticamEnv(scenes=[scene], hold=1)
    env.reset(seed=0)
    for action in actions:
        assert env.action_masks()[action]
        _, _, over, _, info = env.step(action)
        assert info["reward_terms"]["legality"] == 0.0
    assert over
    assert env.programme.tolist() == actions.tolist()


def test_a_demonstration_replays_in_a_scene_that_has_its_cameras() -> None:
    scene = draw_scene(3, 20, Fraction(1, 2), np.random.default_rng(0))
    shots = [Shot("close 1", 3.0), Shot("wide", 2.0)]
    assert actions_of_shots(shots, scene).tolist() == [1] * 6 + [0] * 14
    with pytest.raises(SegueError, match="no camera 'A'; its cameras are wide, close 1"):
        actions_of_shots(TALK, scene)


@pytest.mark.parametrize("shots", [(), (Shot("A", 0.0),), (Shot("A", float("nan")),)])
def test_empty_demonstrations_are_refused(shots: tuple[Shot, ...]) -> None:
    with pytest.raises(SegueError, match=r"0 set-ups|of 0 s or less"):
        scene_of_shots(shots)


def test_the_picture_shows_the_programme() -> None:
    env = MulticamEnv(scenes=1, cameras=5, render_mode="rgb_array")
    env.reset(seed=0)
    pictures = [env.render()]
    for camera in (0, 0, 3, 3):
        env.step(camera)
        pictures.append(env.render())
    assert len({picture.shape for picture in pictures}) == 1
    changed = [np.argwhere((one != two).any(axis=2)) for one, two in pairwise(pictures)]
    lanes = [{int(y - 18) // 36 for y, _ in where} for where in changed]
    # A cut joins the lane that is left with the one that is entered.
    assert lanes[0] == {0}
    assert lanes[2] == {0, 1, 2, 3}
