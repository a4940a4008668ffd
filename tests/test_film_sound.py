"""The film's sound: in time with the picture, J- and L-cuts, crossfades, one loudness."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from film_footage import (
    LENGTH,
    RATE,
    clicks,
    cut,
    edit_of,
    numbered,
    tone,
    write_film,
    write_sounding_film,
)

from segue.envs.film.edit import Edit
from segue.envs.film.loudness import (
    CEILING,
    CODING_HEADROOM,
    TARGET,
    LoudnessMeter,
    integrated_loudness,
    master,
)
from segue.envs.film.renderer import render
from segue.envs.film.soundtrack import film_samples, lay_out, mix, write_soundtrack

FRAME = 2000  # samples
Sound = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def clicking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds with a click at every full second."""
    path = tmp_path_factory.mktemp("sound") / "clicks.mkv"
    write_sounding_film(path, clicks(LENGTH / 24))
    return path


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two films, one of 400 Hz and one of 1000 Hz."""
    folder = tmp_path_factory.mktemp("sound")
    paths = folder / "low.mkv", folder / "high.mkv"
    for path, pitch in zip(paths, (400, 1000), strict=True):
        write_sounding_film(path, tone(pitch, LENGTH / 24))
    return paths


def heard(edit: Edit) -> Sound:
    sound = np.concatenate(list(mix(edit)), axis=1)
    assert sound.shape == (2, film_samples(edit))
    return sound


def places(sound: Sound, level: float = 0.3) -> list[int]:
    """First samples of the clicks."""
    loud = np.flatnonzero(np.abs(sound[0]) > level)
    return loud[np.flatnonzero(np.diff(loud, prepend=-9999) > 1000)].tolist()


def levels(sound: Sound, pitch: float, width: int = 480) -> npt.NDArray[np.float64]:
    """Amplitude of one pitch in every 10 ms."""
    blocks = sound[0, : sound.shape[1] // width * width].reshape(-1, width)
    wave = np.exp(-2j * np.pi * pitch * np.arange(width) / 48_000)
    return np.asarray(2 * np.abs(blocks @ wave) / width)


# --- In time with the picture -----------------------------------------------------------------


def test_the_pieces_own_sound_stands_with_their_picture(clicking: Path) -> None:
    edit = edit_of(
        cut(clicking, 12, 30),  # a click at frame 24 of the source, 12 of the film
        cut(clicking, 90, 40),  # 96 and 120: 36 and 60
        cut(clicking, 40, 60),  # 48, 72 and 96: 78, 102 and 126
        source_gain=1.0,
    )
    assert places(heard(edit)) == pytest.approx(
        [k * FRAME for k in (12, 36, 60, 78, 102, 126)], abs=2
    )


def test_sound_that_begins_late_or_is_missing_stays_in_time(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "late.mkv"
    write_sounding_film(path, clicks(4.0), begin=2.5)
    edit = edit_of(cut(path, 0, 72), cut(film, 0, 24), cut(path, 72, 72), source_gain=1.0)
    sound = heard(edit)
    # Clicks at 2.5, 3.5, 4.5 and 5.5 s of the source; a second of another film lies between.
    wanted = [120_000, *(round((second + 1) * 48_000) for second in (3.5, 4.5, 5.5))]
    assert places(sound) == pytest.approx(wanted, abs=50)
    assert not sound[:, 72 * FRAME + 960 : 96 * FRAME - 960].any()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film without sound."""
    path = tmp_path_factory.mktemp("footage") / "silent.mp4"
    write_film(path, numbered(60), RATE)
    return path


def test_slow_motion_keeps_its_pitch_and_other_speeds_are_silent(tones: tuple[Path, Path]) -> None:
    low, _ = tones
    slow = heard(edit_of(cut(low, 24, 96, speed=Fraction(1, 2)), source_gain=1.0))
    inside = levels(slow, 400)[20:-40]
    assert inside.min() > 0.1
    assert levels(slow, 200)[20:-40].max() < 0.05
    assert not heard(edit_of(cut(low, 24, 20, speed=Fraction(1, 8)), source_gain=1.0)).any()


def test_ten_minutes_do_not_drift(tmp_path: Path, film: Path) -> None:
    rate = Fraction(30_000, 1001)
    wav = tmp_path / "clicks.wav"
    sound = np.zeros(44_100 * 605, np.int16)
    for second in range(605):
        sound[second * 44_100 : second * 44_100 + 90] = 20_000
    soundfile.write(wav, sound, 44_100)
    frames = 17_982  # ten minutes, to the frame
    pieces = tuple(cut(film, 0, n, speed=Fraction(1, 100)) for n in (7, 8, *[17_967 // 3] * 3))
    edit = edit_of(*pieces, rate=rate, music=wav, tail=frames - 15 - 17_967)
    assert edit.frames == frames
    found = []
    for number, block in enumerate(mix(edit)):
        found += [place + number * 24_000 for place in places(block, 0.2)]
    found = [place for place in found if place % 24_000 > 100 or place % 48_000 < 100]
    seconds = np.array(found) / 48_000
    assert len(seconds) >= 598
    assert np.abs(seconds - np.rint(seconds)).max() < 0.001
    assert film_samples(edit) == round(Fraction(frames) / rate * 48_000)
    # A piece's own sound begins with its picture, however late in the film.
    starts = np.cumsum([0, *(piece.frames for piece in pieces)])
    for piece, start in zip(lay_out(edit), starts[:-1], strict=True):
        middle = piece.first + (piece.fade_in / 2 if piece.cut else 0)
        assert abs(middle - float(start / rate * 48_000)) <= 1


# --- Joins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lead", "name"), [(0, "cut"), (8, "j_cut"), (-8, "l_cut")])
def test_sound_leads_or_lags(tones: tuple[Path, Path], lead: int, name: str) -> None:
    low, high = tones
    edit = edit_of(
        cut(low, 24, 48), cut(high, 48, 48, transition=name, sound_lead=lead), source_gain=0.5
    )
    sound = heard(edit)
    join = (48 - lead) * FRAME // 480  # in blocks of 10 ms
    before, after = levels(sound, 400), levels(sound, 1000)
    assert before[5 : join - 2] == pytest.approx(0.1, abs=0.01)
    assert after[join + 2 : -40] == pytest.approx(0.1, abs=0.01)
    assert before[join + 2 :].max() < 0.01 > after[: join - 2].max()


def test_a_dissolve_is_heard_as_a_crossfade_of_its_length(tones: tuple[Path, Path]) -> None:
    low, high = tones
    dissolve = {"transition": "dissolve", "transition_frames": 24}
    sound = heard(edit_of(cut(low, 24, 48), cut(high, 48, 48, **dissolve), source_gain=1.0))
    before, after = levels(sound, 400), levels(sound, 1000)
    assert before[150 - 3 : 150 + 3] == pytest.approx(0.2, abs=0.01)
    assert before[200] == pytest.approx(0.2 / np.sqrt(2), abs=0.01)
    assert after[200] == pytest.approx(0.2 / np.sqrt(2), abs=0.01)
    assert before[251:].max() < 0.01
    assert after[:149].max() < 0.01
    power = before[150:250] ** 2 + after[150:250] ** 2
    assert power == pytest.approx(0.04, rel=0.1)


def test_music_and_pieces_are_added_and_the_tail_fades(
    tones: tuple[Path, Path], tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "music.wav", tone(2000, 6.0).T, 48_000)
    edit = edit_of(cut(tones[0], 0, 48), music=tmp_path / "music.wav", source_gain=0.5, tail=48)
    sound = heard(edit)
    music, own = levels(sound, 2000), levels(sound, 400)
    assert music[10:190] == pytest.approx(0.2, abs=0.01)
    assert own[10:190] == pytest.approx(0.1, abs=0.01)
    assert own[205:].max() < 0.01
    assert music[300] == pytest.approx(0.1, abs=0.01)
    assert music[-1] < 0.005


def test_a_film_has_a_sound_track_only_where_something_sounds(
    film: Path, tones: tuple[Path, Path], tmp_path: Path
) -> None:
    for edit, streams in (
        (edit_of(cut(film, 0, 12), source_gain=1.0), 0),
        (edit_of(cut(tones[0], 0, 12)), 0),
        (edit_of(cut(film, 0, 12), cut(tones[0], 0, 12), source_gain=1.0), 1),
    ):
        render(edit, tmp_path / "film.mp4", preview=True, workers=1)
        with av.open(str(tmp_path / "film.mp4")) as container:
            assert len(container.streams.audio) == streams
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


# --- Loudness ---------------------------------------------------------------------------------


def ffmpegs(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak as FFmpeg's meter has them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-i", str(path)]
    command += ["-filter_complex", "ebur128=peak=true", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = done.stderr[done.stderr.rindex("Summary:") :]
    found = [re.search(rf"{name}:\s+(\S+)", said) for name in ("I", "Peak")]
    assert all(found)
    return tuple(float(one[1]) for one in found if one)  # type: ignore[return-value]


def programme(kind: str) -> Sound:
    """Twelve seconds of sound, with silence in the middle that the gate must leave out."""
    generator = np.random.default_rng(0)
    at = np.arange(48_000 * 12) / 48_000
    spectrum = np.fft.rfft(generator.standard_normal((2, len(at))))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(spectrum.shape[1]) + 20.0))
    speech = (
        pink
        / pink.std()
        * (0.02 + 0.1 * np.abs(np.sin(2 * np.pi * 1.3 * at)))
        * (np.abs(at - 6) > 1.5)
    )
    shapes = {
        "quiet": 0.06 * speech,
        "loud": np.clip(6 * speech, -0.99, 0.99),
        "peaks": 0.6 * speech + 0.6 * (np.arange(len(at)) % 24_000 < 40),
        "bass": np.tile(0.5 * np.sin(2 * np.pi * 50 * at), (2, 1)),
    }
    return shapes[kind].astype(np.float32)


def measured(sound: Sound) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    meter = LoudnessMeter()
    for first in range(0, sound.shape[1], 7001):
        meter.add(sound[:, first : first + 7001])
    return meter.finish()


@pytest.mark.parametrize("kind", ["quiet", "loud", "peaks", "bass"])
def test_the_meter_agrees_with_ffmpegs(kind: str, tmp_path: Path) -> None:
    sound = programme(kind)
    soundfile.write(tmp_path / "sound.wav", sound.T, 48_000, subtype="FLOAT")
    energies, peaks = measured(sound)
    loudness, peak = ffmpegs(tmp_path / "sound.wav")
    assert integrated_loudness(energies) == pytest.approx(loudness, abs=0.1)
    assert 20 * np.log10(peaks.max()) == pytest.approx(peak, abs=0.3)


@pytest.mark.parametrize("kind", ["quiet", "loud", "peaks", "bass"])
def test_every_film_comes_out_at_one_loudness_under_the_ceiling(
    kind: str, film: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "music.wav", programme(kind).T, 48_000, subtype="FLOAT")
    edit = edit_of(cut(film, 0, 288, speed=Fraction(1, 8)), music=tmp_path / "music.wav")
    write_soundtrack(edit, tmp_path / "sound.mp4")
    loudness, peak = ffmpegs(tmp_path / "sound.mp4")
    assert loudness == pytest.approx(TARGET, abs=0.5)
    assert peak <= CEILING
    assert sorted(path.name for path in tmp_path.iterdir()) == ["music.wav", "sound.mp4"]


def test_the_limiter_stays_under_its_ceiling_and_leaves_the_rest_alone() -> None:
    sound = programme("peaks")
    mastering = master(*measured(sound))
    finished = np.concatenate(
        [mastering.apply(sound[:, k : k + 1024], k) for k in range(0, sound.shape[1], 1024)], axis=1
    )
    assert np.array_equal(finished, mastering.apply(sound, 0))
    assert 20 * np.log10(measured(finished)[1].max()) <= CEILING - CODING_HEADROOM + 0.05
    assert mastering.curve.min() < 0.9
    assert mastering.curve.max() == 1
    assert np.abs(np.diff(mastering.curve)).max() < 0.1  # no corners that would click


def test_silence_and_hiss_are_not_blown_up() -> None:
    silent = master(*measured(np.zeros((2, 48_000), np.float32)))
    assert silent.gain == 1
    assert not silent.apply(np.zeros((2, 100), np.float32), 0).any()
    hiss = (1e-3 * np.random.default_rng(0).standard_normal((2, 96_000))).astype(np.float32)
    assert master(*measured(hiss)).gain == pytest.approx(10 ** (30 / 20), rel=0.01)
    assert silent.curve.min() == 1
