"""Ten steps before three cameras."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from stored_episodes.record import StoredEpisode, Told, play_out

from segue.envs.multicam.env import MulticamEnv
from segue.envs.multicam.types import NO_THUMBNAILS, Camera, Scene
from segue.rewards.multicam import MULTICAM


def hand_scene() -> Scene:
    """Ten steps of two seconds before three cameras, the last two nearly alike."""
    return Scene(
        title="By hand",
        seconds=Fraction(2),
        cameras=(Camera("wide", 0), Camera("close", 3), Camera("medium", 2)),
        levels=np.array([[3, 7, 1], [3, 0, 5]] * 5, dtype=np.int8),
        emphasis=np.array([0, 1, 2, 3, 3, 2, 1, 0, 1, 2], dtype=np.int8),
        orients=np.array([True, False] * 5),
        similarity=np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.8], [0.4, 0.8, 1.0]]),
        thumbnails=NO_THUMBNAILS,
    )


def play(**options: Any) -> Told:
    env = MulticamEnv(scenes=[hand_scene()], hold=1, **options)
    return play_out(env, (0, 0, 0, 0, 0, 1, 2, 1, 7, 0))


WEIGHTS = {
    "visibility": 1.0,
    "scale": 0.5,
    "pacing": 1.0,
    "long_take": 0.6,
    "jump_cut": 1.0,
    "ping_pong": 0.5,
    "establishing": 0.5,
    "legality": 0.5,
}

# fmt: off
RAW = {
    "visibility": [
        0.428571429, 0.428571429, 0.428571429, 0.428571429, 0.428571429, 0, 0.142857143, 0,
        0.428571429, 0.428571429,
    ],
    "scale": [
        1, 0.635390989, 0.162991218, 0.016879884, 0.016879884, 0.635390989, 0.635390989,
        0.016879884, 0.635390989, 0.162991218,
    ],
    "pacing": [
        0, 0.028004805, -0.0856025, -0.117917639, -0.119672993, 0.125473821, -0.060107838,
        -0.060107838, -0.060107838, 0.028004805,
    ],
    "long_take": [0, 0, 0, 0, -0.333333333, 0, 0, 0, 0, 0],
    "jump_cut": [0, 0, 0, 0, 0, 0, -0.6, -0.6, 0, 0],
    "ping_pong": [0, 0, 0, 0, 0, 0, 0, -0.333333333, 0, 0],
    "establishing": [1, 0, 1, 0, 1, 0, 0, 0, 1, 0],
    "legality": [0, 0, 0, 0, 0, 0, 0, 0, -1, 0],
}
# fmt: on

EPISODE = StoredEpisode(MULTICAM, play, WEIGHTS, RAW)
