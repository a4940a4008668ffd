from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from segue.envs.film.beat_tracking import track_beats
from segue.envs.film.sections import beat_features, novelty, section_starts

RATE = 22_050
BEAT = 0.5
VERSE, CHORUS = (220.0, 261.6, 329.6), (185.0, 233.1, 277.2)


def write_song(path: Path, form: tuple[tuple[float, ...], ...], beats: int) -> np.ndarray:
    """Chords, `beats` beats of each, softly plucked on every beat, the bar's first louder."""
    at = np.arange(int(BEAT * RATE)) / RATE
    rng = np.random.default_rng(0)
    sound = []
    for chord in form:
        overtones = 1 if chord == VERSE else 6
        for beat in range(beats):
            tone = sum(
                np.sin(2 * np.pi * f * k * at) / k for f in chord for k in range(1, overtones + 1)
            )
            drum = np.sin(2 * np.pi * 70 * at) * np.exp(-30 * at) * (3 if beat % 4 == 0 else 1.5)
            sound.append(0.08 * tone * np.exp(-2 * at) + 0.15 * drum)
    whole = np.concatenate(sound) + rng.normal(0, 0.003, len(sound) * len(at))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((whole * 16_000).astype("<i2").tobytes())
    return whole.astype(np.float32)


def test_the_sections_of_a_song(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", (VERSE, CHORUS, VERSE), beats=24)
    grid = track_beats(tmp_path / "song.wav")
    assert grid.tempo == pytest.approx(120, rel=0.01)
    assert grid.times[grid.sections] == pytest.approx([0, 12, 24], abs=0.3)
    assert set(grid.sections[1:].tolist()) <= set(grid.downbeats.tolist())


def test_a_song_without_change_is_one_section(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", (CHORUS,) * 3, beats=24)
    assert track_beats(tmp_path / "song.wav").sections.tolist() == [0]


def test_harmony_and_timbre_tell_beats_apart(tmp_path: Path) -> None:
    sound = write_song(tmp_path / "song.wav", (VERSE, CHORUS), beats=8)
    features = beat_features(sound, RATE, np.arange(17) * BEAT)
    assert features.shape == (16, 25)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    alike = unit @ unit.T
    assert alike[:8, :8].min() > 0.5 > -0.5 > alike[1:7, 9:15].max()
    assert beat_features(sound[:100], RATE, np.array([0.0, 0.5])).shape == (1, 25)


def test_novelty_is_highest_where_two_blocks_meet() -> None:
    rng = np.random.default_rng(0)
    blocks = np.repeat(rng.normal(size=(3, 6)), 20, axis=0) + 0.05 * rng.normal(size=(60, 6))
    novel = novelty(blocks)
    # The highest value is at the beat that begins the new block.
    assert int(novel[10:30].argmax()) + 10 == 20
    assert int(novel[30:50].argmax()) + 30 == 40
    assert novel[20] > 5 * abs(novel[12])
    assert np.all(novel[:8] == 0)
    assert np.all(novelty(blocks[:6]) == 0)
    assert np.abs(novelty(np.ones((40, 3)))).max() < 1e-9


def test_section_starts() -> None:
    novel = np.zeros(64)
    novel[[17, 22, 45, 60]] = (1.0, 0.8, 0.6, 1.0)
    bars = np.arange(0, 64, 4)
    # 22 lies beside a higher peak, 60 too near the end.
    assert section_starts(novel, bars).tolist() == [0, 16, 44]
    assert section_starts(novel, np.zeros(0, np.int64)).tolist() == [0, 17, 45]
    assert section_starts(0.2 * novel, bars).tolist() == [0]
    assert section_starts(np.zeros(0), bars).tolist() == [0]
