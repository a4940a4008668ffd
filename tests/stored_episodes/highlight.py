"""Six shots, of which three are kept."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from stored_episodes.record import StoredEpisode, Told, play_out

from segue.envs.highlight.env import HighlightEnv
from segue.envs.highlight.types import Video
from segue.rewards.highlight import HIGHLIGHT


def play(**options: Any) -> Told:
    looks = np.array([[1.0, 0], [0, 2], [3, 0], [3, 4], [0, 1], [2, 0]])
    seconds = np.array([2.0, 1, 4, 2, 3, 8])
    video = Video("six shots", seconds, np.array([1.0, 3, 2, 5, 4, 1]), looks)
    env = HighlightEnv(videos=[video], budget=0.5, unit=1.0, **options)
    # Of 10 s, 8 are kept; the last shot is longer than what is left.
    return play_out(env, (1, 0, 1, 1, 0, 1))


WEIGHTS = {
    "importance": 1.0,
    "diversity": 0.1,
    "representativeness": 0.1,
    "legality": 0.25,
}

# fmt: off
RAW = {
    "importance": [2 / 43, 0, 8 / 43, 10 / 43, 0, 0],
    "diversity": [0, 0, 0, 0.2 * 0.4, 0, 0],
    "representativeness": [0.2 * exp(-0.48), 0, 0.4 * exp(-0.48), 0.2 * exp(-0.64), 0, 0],
    "legality": [0, 0, 0, 0, 0, -1],
}
# fmt: on

EPISODE = StoredEpisode(HIGHLIGHT, play, WEIGHTS, RAW)
