"""Slates as editors' lists write them: set-up, scene, take and camera, and the order of set-ups."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.envs.film.demonstrations import edit_of_timeline
from segue.envs.film.slates import place_of, read_slate
from segue.envs.film.timelines import read_timeline


@pytest.mark.parametrize(
    ("name", "setup", "scene", "take", "angle"),
    [
        ("12A-3", "12A", "12", "3", ""),
        ("SC12_T03", "12", "12", "3", ""),
        # Stars of circled takes, cameras, remarks.
        ("4G-4A*", "4G", "4", "4", "A"),
        ("4G-4B*", "4G B", "4", "4", "B"),
        ("31C-1A**", "31C", "31", "1", "A"),
        ("117C-3-B", "117C B", "117", "3", "B"),
        ("210/01-03* CAMB", "210/1 B", "210", "3", "B"),
        ("8-8-/01 B +", "8/8 B", "8", "1", "B"),
        ("4-1-BX7 48 FPS", "4 B", "4", "1", "B"),
        ("102-21-8A*", "102/21", "102", "8", "A"),
        ("119A-2A* 48FPS", "119A", "119", "2", "A"),
        ("40E-4 MOS*", "40E", "40", "4", ""),
        ("37B-4 PU", "37B", "37", "4", ""),
        ("V496-1B_SC79*", "V496 B", "496", "1", "B"),
        # Pick-ups and series are takes of the same set-up.
        ("4F-5PUA", "4F", "4", "5", "A"),
        ("12B-3SER", "12B", "12", "3", ""),
        # Scenes put in, reshoots, visual effects.
        ("A14B-1A", "A14B", "A14", "1", "A"),
        ("AA9A-2*", "AA9A", "AA9", "2", ""),
        ("R102A-1* 48FPS", "R102A", "102", "1", ""),
        ("V7B-3*", "V7B", "7", "3", ""),
        ("VA3-2SER", "VA3", "A3", "2", ""),
        ("AP002E-3-A*", "AP2E", "AP2", "3", "A"),
        # Episodes, and takes that were begun again.
        ("203_V3F-4*", "203_V3F", "203_3", "4", ""),
        ("203_7-2", "203_7", "203_7", "2", ""),
        ("203_72-4PU.3*", "203_72", "203_72", "4", ""),
        ("203_3D-3.2*", "203_3D", "203_3", "3", ""),
        # What programs add to copies.
        ("15W-1*.SUB.01", "15W", "15", "1", ""),
        ("4M-1.SUB.01_BETTER", "4M", "4", "1", ""),
        # Names that are no slates stay apart.
        ("MVI_0034.MOV", "MVI_0034", "", "", ""),
        ("100_0234", "100_0234", "", "", ""),
        ("2019-07-12 14.33.02", "2019-07-12 14.33.02", "", "", ""),
        ("shot_0012.exr", "SHOT", "", "", ""),
        ("V204_01051811_C010", "V204_01051811_C010", "", "", ""),
        ("LEADER_HEAD_1920X1080.MOV", "LEADER_HEAD_1920X1080", "", "", ""),
    ],
)
def test_slates_of_lists_are_read(name: str, setup: str, scene: str, take: str, angle: str) -> None:
    slate = read_slate(name)
    assert (slate.setup, slate.scene, slate.take, slate.angle) == (setup, scene, take, angle)


def test_camera_a_and_no_camera_are_one_setup() -> None:
    assert read_slate("15W-2A").setup == read_slate("15W-1").setup == "15W"
    assert read_slate("15W-2B").setup == "15W B"


def test_a_bare_scene_number_leaves_the_setup_to_the_name() -> None:
    assert read_slate("12A-3", scene="12").setup == "12A"
    assert read_slate("12A-3", scene="12A").setup == "12A"
    assert read_slate("45-2-3", scene="45").setup == "45/2"
    assert read_slate("harbour.mov", scene="12").setup == "12"
    assert read_slate("12A-3", scene="14B").setup == "14B"


def test_setups_have_the_order_of_their_slates() -> None:
    names = ["14B B", "9", "14A", "102/21", "14", "A14", "14B", "V14B", "14AA", "102/3"]
    found = sorted(names, key=lambda name: place_of(name).order)
    assert found == ["9", "A14", "14", "14A", "14B", "14B B", "V14B", "14AA", "102/3", "102/21"]
    assert place_of("V14B B").scene == "14"
    assert place_of("A14B").scene == "A14"
    assert place_of("203_V3F").scene == "203_3"
    assert (place_of("14B B").slate, place_of("14B").slate) == ("14B", "14B")
    assert place_of("A012C003_210512").order < place_of("A012C011_210512").order
    assert place_of("master").order == ()
    assert place_of("12").order < place_of("A012C003_210512").order


def test_a_list_says_scene_take_and_camera_in_comments(tmp_path: Path) -> None:
    path = tmp_path / "reel.edl"
    path.write_text(
        "TITLE: REEL 1\nFCM: NON-DROP FRAME\n"
        "001  A012C003 V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00\n"
        "* FROM CLIP NAME: harbour\n* SCENE: 12A\n* TAKE: 3\n* CAMERA: B\n"
        "002  A012C004 V     C        02:00:00:00 02:00:01:12 01:00:02:00 01:00:03:12\n"
        "*FROM CLIP NAME:  12A-4*\n*SOURCE FILE: A012C004_160909_R1BY\n* CAMERA ROLL: A012\n"
    )
    first, second = edit_of_timeline(read_timeline(path), path.name).shots
    assert (first.reel, first.setup, first.take, first.angle) == ("A012C003", "12A B", "3", "B")
    assert (second.reel, second.setup, second.scene, second.take) == ("A012C004", "12A", "12", "4")
    assert second.angle == ""
