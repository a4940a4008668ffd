from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from segue.envs.film.analysis import analyse
from segue.envs.film.gate import MediaError
from segue.envs.film.shots import SOUND_FEATURES
from segue.envs.film.sound_features import (
    HOP,
    RATE,
    SILENCE,
    STEP,
    Heard,
    held_tones,
    listen,
    sound_features,
    syllables,
    tones_of,
)
from segue.envs.film.synthetic import write_synthetic_film

SECONDS = 8
AT = np.arange(SECONDS * RATE) / RATE
NOISE = np.random.default_rng(0).normal(0, 0.1, len(AT))


def heard_of(tmp_path: Path, sound: np.ndarray) -> Heard:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
    return listen(path)


def described(tmp_path: Path, sound: np.ndarray) -> dict[str, float]:
    heard = heard_of(tmp_path, sound)
    values = sound_features(heard, 0.0, len(sound) / RATE)
    assert (values >= 0).all()
    assert (values <= 1).all()
    return dict(zip(SOUND_FEATURES, values.tolist(), strict=True))


def tones(notes: list[float], seconds: float) -> np.ndarray:
    at = np.arange(int(seconds * RATE)) / RATE
    played = [sum(0.08 * np.sin(2 * np.pi * f * k * at) / k for k in range(1, 5)) for f in notes]
    return np.concatenate(played)


def voice() -> np.ndarray:
    """A gliding pitch with overtones, in syllables: nobody's voice, but its course."""
    pitch = 150 * (1 + 0.25 * np.sin(2 * np.pi * 1.3 * AT) + 0.1 * np.sin(2 * np.pi * 3 * AT))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    loud = np.clip(np.sin(2 * np.pi * 4.2 * AT) + 0.3, 0, 1)
    return sum(0.05 * np.sin(k * phase) / k for k in range(1, 15)) * loud + 0.1 * NOISE


@pytest.mark.parametrize("decibels", [-6, -20, -45])
def test_loudness_is_the_level_in_decibels(tmp_path: Path, decibels: int) -> None:
    level = 10 ** (decibels / 20)
    told = described(tmp_path, level * np.sqrt(2) * np.sin(2 * np.pi * 440 * AT))
    assert told["loudness"] == pytest.approx(1 + decibels / 60, abs=0.01)


def test_music_holds_its_tones(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    scale = [261.6, 293.7, 329.6, 349.2, 392.0, 440.0]
    melody = tones(rng.choice(scale, 16).tolist(), 0.5)
    chord = sum(tones([f], SECONDS) for f in (261.6, 329.6, 392.0))
    for sound in (melody, chord, melody + 0.1 * NOISE):
        told = described(tmp_path, sound)
        assert told["music"] > 0.7
        assert told["speech"] < 0.1
    assert described(tmp_path, NOISE)["music"] < 0.1


def test_speech_swells_four_times_a_second(tmp_path: Path) -> None:
    told = {
        hertz: described(tmp_path, NOISE * (1 + np.sin(2 * np.pi * hertz * AT)) / 2)["speech"]
        for hertz in (1.0, 4.0, 10.0)
    }
    assert told[4.0] > 0.6
    assert max(told[1.0], told[10.0]) < 0.15
    assert described(tmp_path, NOISE)["speech"] < 0.15
    talking = described(tmp_path, voice())
    assert talking["speech"] > 0.5
    assert talking["music"] < 0.2


def test_each_span_has_its_own_sound(tmp_path: Path) -> None:
    chord = sum(tones([f], SECONDS) for f in (261.6, 329.6, 392.0))
    heard = heard_of(tmp_path, np.concatenate([chord, np.zeros(SECONDS * RATE), voice()]))
    music, nothing, speech = (sound_features(heard, a + 1, a + 7) for a in (0, 8, 16))
    assert music[2] > 0.7 > 0.2 > speech[2]
    assert speech[1] > 0.5 > 0.1 > music[1]
    assert nothing.tolist() == [0, 0, 0]
    # Shorter than the step between two values, and beyond the end.
    assert sound_features(heard, 2.0, 2.1)[2] > 0.7
    assert sound_features(heard, 100.0, 101.0).tolist() == [0, 0, 0]
    late = Heard(2.0, heard.power, heard.speech, heard.music)
    np.testing.assert_allclose(sound_features(late, 3.0, 9.0), music, atol=0.02)


def test_values_cover_the_sound_whatever_the_blocks(tmp_path: Path) -> None:
    for samples in (100, HOP * STEP, 3 * HOP * STEP + 17, 30 * RATE):
        heard = heard_of(tmp_path, np.resize(NOISE, samples))
        assert 0 <= len(heard.power) - samples / HOP < 4
        assert len(heard.speech) == len(heard.music) == -(-len(heard.power) // STEP)


def test_the_parts() -> None:
    energy = np.full((4, 100), 1.0, np.float32)
    energy[:, 40] = 100.0
    assert np.flatnonzero(tones_of(energy).all(axis=0)).tolist() == [40]
    counts = np.zeros((4, 100), np.uint8)
    counts[1:3, :10] = STEP
    assert held_tones(counts).tolist() == pytest.approx([0.3, 1, 1, 0.3], abs=0.01)
    assert not len(held_tones(counts[:0]))
    assert not len(syllables(np.zeros(0, np.float32), 0))


def test_films_without_sound_are_silent(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    write_synthetic_film(path, shots=2, sound=False, seconds_per_shot=(1, 1))
    assert listen(path) is SILENCE
    assert sound_features(SILENCE, 0.0, 1.0).tolist() == [0, 0, 0]
    assert analyse([path], cache=tmp_path).sound.tolist() == [[0, 0, 0]] * 2
    with pytest.raises(MediaError, match="does not exist"):
        listen(tmp_path / "none.mp4")


def test_sound_that_cannot_be_decoded_does_not_spoil_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av.error

    path = tmp_path / "film.mp4"
    write_synthetic_film(path, shots=2, seconds_per_shot=(1, 1))
    whole = analyse([path], cache=tmp_path / "whole", workers=1)
    assert (whole.sound[:, 0] > 0.3).all()

    def broken(container: object, rate: int) -> object:
        yield np.full(rate // 2, 0.5, np.float32)
        raise av.error.InvalidDataError(1, "bad")

    monkeypatch.setattr("segue.envs.film.sound_features.mono_blocks", broken)
    table = analyse([path], cache=tmp_path / "broken", workers=1)
    assert table.start.tolist() == whole.start.tolist()
    assert table.sound[0, 0] > 0.5
    assert table.sound[1].tolist() == [0, 0, 0]
