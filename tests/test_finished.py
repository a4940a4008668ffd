"""Finding what a finished edit was cut from: whole films, made here, whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.film import finished_frames
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.finished import match_finished
from segue.envs.film.finished_edit import edit_of
from segue.envs.film.gate import open_media, require_video
from segue.envs.film.human_edits import HumanEdit
from segue.envs.film.plan import check_edit
from segue.envs.film.renderer import render
from segue.envs.film.synthetic import write_synthetic_film
from segue.envs.film.timelines import write_otio

RATE = Fraction(24)
SIZE = (160, 90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two source films and a place for the cache."""
    path = tmp_path_factory.mktemp("finished")
    write_synthetic_film(path / "one.mp4", shots=6, seed=1, size=SIZE, sound=False)
    write_synthetic_film(path / "two.mp4", shots=6, seed=2, size=SIZE, sound=False)
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    with open_media(path) as container:
        decoded = container.decode(require_video(container))
        return [frame.to_ndarray(format="rgb24") for frame in decoded]


def write(path: Path, pictures: Iterable[np.ndarray], rate: Fraction = RATE) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "23"})
        for number, picture in enumerate(pictures):
            if not number:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def match(folder: Path, film: Path, *names: str) -> HumanEdit:
    return match_finished(film, [folder / name for name in names], cache=folder / "cache")


def places(edit: HumanEdit) -> np.ndarray:
    """Source and source frame of each frame of an edit; -1 for none."""
    found = np.full((edit.frames, 2), -1)
    for shot in edit.shots:
        if shot.source >= 0:
            step = shot.speed * edit.sources[shot.source].rate / edit.rate
            frames = [shot.in_point + int(k * step // 1) for k in range(shot.frames)]
            found[shot.start : shot.start + shot.frames, 0] = shot.source
            found[shot.start : shot.start + shot.frames, 1] = frames
    return found


def title(picture: np.ndarray, text: str) -> np.ndarray:
    drawn = picture.copy()
    cv2.putText(drawn, text, (30, 50), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    return drawn


def test_a_rendered_edit_is_found_at_another_size_and_rate(folder: Path) -> None:
    paths = [folder / "one.mp4", folder / "two.mp4"]

    def cut(source: int, first: int, frames: int, **changes: object) -> Cut:
        plain = Cut(
            paths[source], RATE, 140, first, frames, Fraction(1), "none", "cut", 0, f"{first}"
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    slow = {"effect": "slow_motion", "speed": Fraction(1, 2)}
    cuts = (
        cut(0, 20, 40),
        cut(1, 31, 35),
        cut(0, 70, 40, transition="dissolve", transition_frames=12),
        cut(1, 90, 30, transition="fade_through_black", transition_frames=16),
        cut(0, 100, 30, **slow),
        cut(1, 60, 25, effect="mirror"),
        cut(0, 12, 25),
    )
    edit = Edit("edit", Fraction(30), 320, 180, cuts)
    film = folder / "rendered.mp4"
    render(edit, film, workers=1)

    found = match(folder, film, "one.mp4", "two.mp4")

    assert found.rate == 30
    assert found.frames == edit.frames
    truth = np.array(
        [(paths.index(c.source), edit.source_frame(c, k)) for c in cuts for k in range(c.frames)]
    )
    right = (places(found)[:, 0] == truth[:, 0]) & (abs(places(found) - truth)[:, 1] <= 1)
    assert right.mean() >= 0.98
    assert len(found.shots) == len(cuts)
    for shot, cut_ in zip(found.shots, cuts, strict=True):
        assert shot.kind == "picture"
        assert abs(shot.in_point - cut_.in_point) <= 1
        assert shot.speed == cut_.speed
        assert shot.mirrored == (cut_.effect == "mirror")
        assert shot.transition == cut_.transition
        assert abs(shot.transition_frames - cut_.transition_frames) <= 2

    again = edit_of(found, film)
    check_edit(again)
    assert again.frames == edit.frames
    assert [cut_.source for cut_ in again.cuts] == [cut_.source for cut_ in cuts]
    assert [cut_.transition for cut_ in again.cuts] == [cut_.transition for cut_ in cuts]
    write_otio(again, folder / "again.otio")
    assert (folder / "again.otio").stat().st_size > 0


def test_titles_fades_and_black_are_no_cuts(folder: Path) -> None:
    one, black = frames_of(folder / "one.mp4"), np.zeros((*SIZE[::-1], 3), np.uint8)
    faded = [one[60 + k] * ((24 - k) / 24) for k in range(24)]
    pictures = [
        *one[10:20],
        *(title(picture, "WORDS") for picture in one[20:50]),
        *one[50:60],
        *(picture.astype(np.uint8) for picture in faded),
        *[black] * 20,
        *[title(black, "THE END")] * 30,
    ]
    film = write(folder / "titled.mp4", pictures)

    found = match(folder, film, "one.mp4")

    kinds = [(shot.kind, shot.transition) for shot in found.shots]
    faded_out = "fade_through_black"
    assert kinds == [("picture", "cut"), ("black", faded_out), ("title", "cut")]
    picture, dark, _ = found.shots
    assert (picture.start, picture.in_point) == (0, 10)
    assert picture.fade_in == 0
    assert abs(picture.fade_out - 24) <= 3
    assert abs(dark.start - 74) <= 2
    assert abs(dark.start + dark.frames - 94) <= 1
    edit = edit_of(found, film)
    assert edit.frames == len(pictures)
    assert edit.cuts[2].source == film
    assert edit.cuts[2].in_point == found.shots[2].start


def test_pictures_of_another_film_are_unknown(folder: Path) -> None:
    one, two = frames_of(folder / "one.mp4"), frames_of(folder / "two.mp4")
    film = write(folder / "mixed.mp4", [*one[30:70], *two[20:60], *one[70:110]])
    found = match(folder, film, "one.mp4")
    assert [(s.kind, s.start, s.frames) for s in found.shots] == [
        ("picture", 0, 40),
        ("unknown", 40, 40),
        ("picture", 80, 40),
    ]
    assert [shot.in_point for shot in found.shots] == [30, 0, 70]


@pytest.mark.parametrize("shape", ["pillars", "bars", "cropped", "enlarged"])
def test_other_shapes_are_found(folder: Path, shape: str) -> None:
    def framed(picture: np.ndarray) -> np.ndarray:
        if shape == "pillars":
            return np.pad(picture, ((0, 0), (48, 48), (0, 0)))
        if shape == "bars":
            return np.pad(picture, ((23, 23), (0, 0), (0, 0)))
        if shape == "cropped":
            return picture[:, 22:138]
        return cv2.resize(picture[6:84, 10:150], (160, 90))

    one = frames_of(folder / "one.mp4")
    # Pillars in one part of a film only, since those throughout are known for bars at once.
    full = [cv2.resize(one[k], (256, 90)) for k in range(20)] if shape == "pillars" else []
    film = write(folder / f"{shape}.mp4", [*full, *(framed(one[k]) for k in range(25, 65))])
    found = match(folder, film, "one.mp4")
    last = found.shots[-1]
    assert (last.kind, last.source) == ("picture", 0)
    assert last.start == len(full)
    assert abs(last.in_point - 25) <= 1


def test_frames_are_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finished_frames.stills(folder / "one.mp4", cache=folder / "cache")
    monkeypatch.setattr(finished_frames, "_decode", lambda *_: pytest.fail("decoded again"))
    again = finished_frames.stills(folder / "one.mp4", cache=folder / "cache")
    assert np.array_equal(first.luma, again.luma)
    assert (again.rate, again.width, again.height) == (RATE, *SIZE)


def test_wrong_input_is_said_in_a_sentence(folder: Path) -> None:
    with pytest.raises(SegueError, match="No source"):
        match_finished(folder / "one.mp4", [])
    with pytest.raises(SegueError, match="missing"):
        match_finished(folder / "missing.mp4", [folder / "one.mp4"])
