"""What a person sees, hears and reads of an episode: pictures, score, sound, words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from segue.envs.counterpoint.env import CounterpointEnv
from segue.envs.highlight.env import HighlightEnv
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.melody.env import MelodyEnv
from segue.envs.montage.env import Montage, MontageEnv
from segue.envs.multicam.env import MulticamEnv
from segue.envs.music.audio import render_audio
from segue.envs.music.scales import key_name, pitch_name
from segue.envs.music.score import score_image
from segue.envs.music.tune import Tune

Picture = npt.NDArray[np.uint8]

BAR_SECONDS = 1.0
"""Length of a bar of a counterpoint."""
RATE = 22_050
"""Samples per second of what is sung."""
_PARTIALS = (1.0, 0.5, 0.3, 0.15)
"""Amplitudes of a voice's harmonics, as of an organ's soft stop."""
_EDGE_SECONDS = 0.03


@dataclass(frozen=True)
class EpisodeMedia:
    """An episode for eyes and ears.

    Attributes
    ----------
    frames : list of ndarray (height, width, 3) uint8
        Of one size, from the beginning to the end; empty where the environment draws nothing.
    picture : ndarray (height, width, 3) uint8 or None
        Of the whole episode.
    score : ndarray (height, width, 3) uint8 or None
        Where it is a tune and the picture is no score already.
    sound : ndarray (n, channels) float32 or None
        In [-1, 1], where there is something to hear.
    rate : int
        Samples per second.
    brief : str
        What was given, as Markdown.
    """

    frames: list[Picture]
    picture: Picture | None
    score: Picture | None
    sound: npt.NDArray[np.float32] | None
    rate: int
    brief: str


def episode_media(
    env: gym.Env[Any, Any], actions: Sequence[Any], seed: int, most_frames: int
) -> EpisodeMedia:
    """Play an episode again and look at it.

    Parameters
    ----------
    env : gymnasium.Env
        Made with ``render_mode="rgb_array"`` where there is anything to see. The same seed and
        actions give the same episode in it.
    actions : sequence
        One or more.
    seed : int
        Of the episode.
    most_frames : int
        Frames in all, >= 2; evenly apart, the first and the last among them.
    """
    env.reset(seed=seed)
    stride = math.ceil(len(actions) / (most_frames - 1))
    pictures = _rendered(env)
    for number, action in enumerate(actions, 1):
        env.step(action)
        if number % stride == 0 or number == len(actions):
            pictures += _rendered(env)
    inner = env.unwrapped
    score, sound, rate = None, None, RATE
    if isinstance(inner, LeadSheetEnv | MelodyEnv):
        tune = inner.tune()
        score = score_image(tune)
        if tune.notes:
            played, rate = render_audio(tune)
            sound = played.astype(np.float32) / np.float32(2**15)
    elif isinstance(inner, CounterpointEnv):
        sound = sung([inner.line(), inner.cantus_firmus.pitches])
    last = pictures[-1] if pictures else None
    return EpisodeMedia(_of_one_size(pictures), last, score, sound, rate, brief_of(env))


def _rendered(env: gym.Env[Any, Any]) -> list[Picture]:
    """The environment's picture now; none where it draws none or lacks what it draws with."""
    try:
        frame: Any = env.render() if env.render_mode == "rgb_array" else None
    except gym.error.DependencyNotInstalled:
        frame = None
    return [np.array(frame, np.uint8)] if np.ndim(frame) == 3 else []


def _of_one_size(pictures: Sequence[Picture]) -> list[Picture]:
    """Fill smaller pictures up at the right and at the foot with the colour of their corner."""
    sizes = {picture.shape for picture in pictures}
    if len(sizes) < 2:
        return list(pictures)
    height, width = (max(size[axis] for size in sizes) for axis in (0, 1))
    filled = []
    for picture in pictures:
        canvas = np.full((height, width, 3), picture[-1, -1], dtype=np.uint8)
        canvas[: picture.shape[0], : picture.shape[1]] = picture
        filled.append(canvas)
    return filled


def sung(voices: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
    """Sound voices of whole bars together.

    Parameters
    ----------
    voices : sequence of sequence of int
        MIDI pitches, one a bar.

    Returns
    -------
    ndarray (n, 1) float32
        `RATE` samples a second, `BAR_SECONDS` a bar, within [-0.9, 0.9].
    """
    length = round(BAR_SECONDS * RATE)
    time = np.arange(length) / RATE
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / _EDGE_SECONDS)
    whole = np.zeros((max(map(len, voices), default=0), length))
    for voice in voices:
        for bar, pitch in enumerate(voice):
            frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
            for number, amplitude in enumerate(_PARTIALS, 1):
                whole[bar] += amplitude * np.sin(2 * np.pi * frequency * number * time)
    whole *= edge
    peak = np.abs(whole).max(initial=0.0)
    return (0.9 / peak * whole if peak else whole).reshape(-1, 1).astype(np.float32)


def brief_of(env: gym.Env[Any, Any]) -> str:
    """Say what is given in the present episode, as Markdown; the environment's name at least."""
    inner = env.unwrapped
    if isinstance(inner, LeadSheetEnv):
        return _changes(inner.tune())
    if isinstance(inner, MelodyEnv):
        return "**A two-bar melody in C major**"
    if isinstance(inner, CounterpointEnv):
        cantus = inner.cantus_firmus
        notes = " ".join(pitch_name(pitch, 0, "major") for pitch in cantus.pitches)
        return f"**Above a {cantus.mode.capitalize()} cantus firmus**: {cantus.name}\n\n{notes}"
    if isinstance(inner, HighlightEnv):
        video = inner.video
        return f"**{video.name}**\n\n{len(video.seconds)} shots, {video.seconds.sum():.0f} s"
    if isinstance(inner, MulticamEnv):
        scene = inner.scene
        cameras = ", ".join(camera.name for camera in scene.cameras)
        return f"**{scene.title}**\n\nCameras: {cameras}. {scene.note}"
    if isinstance(inner, MontageEnv):
        assert isinstance(inner.task, Montage)
        bank = inner.task.bank
        return f"**A film of {bank.beats} beats**\n\n{bank.shots} shots to choose from"
    return f"**{inner.spec.id if inner.spec else type(inner).__name__}**"


def _changes(tune: Tune) -> str:
    """Mood, key, metre, tempo and the chords, a bar between bar lines."""
    bars: list[list[str]] = [[] for _ in range(tune.bars)]
    for span in tune.chords:
        bar = int(span.onset // tune.metre.quarters)
        bars[bar].append(span.chord.symbol_in(tune.tonic, tune.mode))
    chords = " | ".join(" ".join(bar) or "%" for bar in bars)
    mood = tune.mood.replace("_", " ").capitalize()
    return (
        f"**{mood}**, {key_name(tune.tonic, tune.mode)}, {tune.metre.beats}/{tune.metre.unit}, "
        f"{tune.tempo:g} quarter notes a minute\n\n`| {chords} |`"
    )


__all__ = ["EpisodeMedia", "brief_of", "episode_media", "sung"]
