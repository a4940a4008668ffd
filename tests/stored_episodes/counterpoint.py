"""Two counterpoints."""

from __future__ import annotations

from typing import Any

from stored_episodes.record import StoredEpisode, Told, play_out

from segue.envs.counterpoint.env import CounterpointEnv
from segue.rewards.counterpoint import COUNTERPOINT

# Cantus firmi and lines above them, MIDI pitches; the third note of the first line is illegal.
COUNTERPOINTS = (
    (
        (53, 57, 59, 60, 53, 55, 50, 53, 50, 52, 55, 57, 55, 53),
        (60, 72, 53, 64, 72, 67, 65, 65, 65, 60, 59, 60, 64, 65),
    ),
    ((62, 65, 64, 62), (62, 69, 73, 74)),
)


def play(**options: Any) -> Told:
    rewards, terms = [], []
    for cantus, line in COUNTERPOINTS:
        env = CounterpointEnv(cantus=cantus, **options)
        told = play_out(env, (pitch - cantus[-1] for pitch in line))
        rewards, terms = rewards + told[0], terms + told[1]
    return rewards, terms


WEIGHTS = {
    "perfect_consonance": 2.0,
    "direct_motion": 1.0,
    "compound": 1.0,
    "skip_to_octave": 8.0,
    "skip_from_unison": 4.0,
    "tenth_to_octave": 8.0,
    "consecutive_skips": 1.0,
    "skip_preceded": 1.0,
    "skip_followed": 1.0,
    "leap_back": 1.0,
    "large_leap": 1.0,
    "melodic_tritone": 8.0,
    "neighbour": 1.0,
    "repetition": 1.0,
    "leap_at_cadence": 13.0,
    "lydian_tritone": 13.0,
    "climax": 4.0,
    "legality": 4.0,
}

# fmt: off
RAW = {
    "perfect_consonance": [0, 0, 0, 0, -1, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "direct_motion": [0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, -1, 0, 0],
    "compound": [0, -1, 0, 0, -1, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "skip_to_octave": [0, 0, 0, 0, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "skip_from_unison": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0],
    "tenth_to_octave": [0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "consecutive_skips": [0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -4, 0],
    "skip_preceded": [0, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0, 0, -1, 0, 0, 0, -1, 0],
    "skip_followed": [0, 0, 0, -3, 0, 0, -3, 0, 0, 0, -3, 0, 0, -3, 0, 0, -8, -3],
    "leap_back": [0, 0, -9, 0, -3, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "large_leap": [0, -5, 0, 0, -2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "melodic_tritone": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0],
    "neighbour": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0],
    "repetition": [0, 0, 0, 0, 0, 0, 0, -1, -2, 0, 0, -1, 0, 0, 0, 0, 0, 0],
    "leap_at_cadence": [0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0, 0],
    "lydian_tritone": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0],
    "climax": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0],
    "legality": [0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
}
# fmt: on

EPISODE = StoredEpisode(COUNTERPOINT, play, WEIGHTS, RAW)
