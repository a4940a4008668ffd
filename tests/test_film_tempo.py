from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from segue.envs.film import tempo as tempi
from segue.envs.film.beat_tracking import track_beats
from segue.envs.film.tempo import TEMPO_RANGE, beat_places, fit, near

RATE = 22_050


def write_drums(path: Path, tempo: float, hats: int, seconds: float = 20.0) -> np.ndarray:
    """Kick and snare in turn, `hats` high hats a beat, over a held chord; return the beats."""
    rng = np.random.default_rng(0)
    sound = np.zeros(int(seconds * RATE) + RATE)
    at = np.arange(RATE // 8) / RATE
    beats = np.arange(0.25, seconds - 0.3, 60 / tempo)

    def strike(time: float, hit: np.ndarray) -> None:
        first = int(time * RATE)
        sound[first : first + len(hit)] += hit

    for number, beat in enumerate(beats):
        kick = 0.9 * np.sin(2 * np.pi * 60 * at) * np.exp(-25 * at)
        snare = rng.normal(0, 0.25, len(at)) * np.exp(-30 * at)
        strike(beat, snare if number % 2 else kick)
        for part in range(hats):
            hat = 0.2 * np.diff(rng.normal(0, 0.5, len(at) + 1)) * np.exp(-80 * at)
            strike(beat + part * 60 / tempo / hats, hat)
    sound += sum(0.03 * np.sin(2 * np.pi * f * np.arange(len(sound)) / RATE) for f in (220, 277))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound[: int(seconds * RATE)] * 20_000).astype("<i2").tobytes())
    return beats


@pytest.mark.parametrize(
    ("tempo", "hats"), [(72, 2), (80, 2), (90, 4), (100, 4), (120, 1), (150, 4), (156, 1)]
)
def test_the_tempo_is_that_of_kick_and_snare_not_of_the_hats(
    tmp_path: Path, tempo: float, hats: int
) -> None:
    """librosa alone doubles the first two, and hears the sixteenths of others in threes."""
    beats = write_drums(tmp_path / "drums.wav", tempo, hats)
    grid = track_beats(tmp_path / "drums.wav")
    assert grid.tempo == pytest.approx(tempo, rel=0.01)
    away = np.abs(grid.times[:, None] - beats[None])
    assert (away.min(axis=0) < 0.07).mean() > 0.9
    assert (away[:-1].min(axis=1) < 0.07).mean() > 0.9


def test_the_fit_of_beats_to_onsets() -> None:
    weight = np.zeros(400)
    weight[10:400:20] = 1.0
    weight[20:400:20] = 0.3
    right = np.arange(10, 400, 20)
    assert fit(weight, right) > 0.95
    assert fit(weight, np.arange(10, 400, 10)) < fit(weight, right)  # twice as fast
    assert fit(weight, np.arange(10, 400, 40)) < fit(weight, right)  # half as fast
    assert fit(weight, np.arange(20, 400, 20)) < 0.3  # between the beats
    assert fit(weight, np.arange(10, 400, 27)) < fit(weight, right) / 2
    assert fit(np.zeros(400), right) == 0.0
    assert near(weight, np.array([12, 25])).tolist() == [1.0, 0.0]


def test_tempi_out_of_range_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float | None] = []

    def beat_track(**given: object) -> tuple[float, np.ndarray]:
        tempo = given["bpm"]
        assert tempo is None or isinstance(tempo, float)
        tried.append(tempo)
        return tempo or 50.0, np.arange(5, 400, round(6000 / (tempo or 50.0)))

    monkeypatch.setattr("librosa.beat.beat_track", beat_track)
    onsets = np.zeros(400)
    onsets[5:400:60] = 1.0
    found = beat_places(onsets, onsets, 100.0)
    assert np.all(np.diff(found) == 60)  # 100 a minute
    slowest, fastest = TEMPO_RANGE
    assert all(tempo is None or slowest <= tempo <= fastest for tempo in tried)
    assert not len(beat_places(np.zeros(400), onsets, 100.0))


def test_a_tempo_at_an_odd_ratio_must_fit_clearly_better(monkeypatch: pytest.MonkeyPatch) -> None:
    def beat_track(**given: object) -> tuple[float, np.ndarray]:
        tempo = given["bpm"] or 120.0
        assert isinstance(tempo, float)
        return tempo, np.array([int(tempo), 200, 210, 220])

    monkeypatch.setattr("librosa.beat.beat_track", beat_track)
    fits = {120: 0.5, 90: 0.55, 150: 0.2}
    monkeypatch.setattr(tempi, "fit", lambda weight, beats: fits.get(int(beats[0]), 0.0))
    assert beat_places(np.ones(400), np.ones(400), 100.0)[0] == 120
    fits[90] = 0.6
    assert beat_places(np.ones(400), np.ones(400), 100.0)[0] == 90
