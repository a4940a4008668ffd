"""Pictures, animations and sound that lie inside a report, within a budget of bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import soundfile
from PIL import Image

from segue.envs.music.score import score_svg
from segue.experiments.episode_media import EpisodeMedia
from segue.experiments.report_html import data_address, picture_address
from segue.experiments.report_records import Picture
from segue.experiments.run_report_replay import Played

BUDGET = 11_000_000
"""Characters of media in a page; with its text and charts it stays under 15 MB."""
ANIMATION_SIDE = 640
"""Longest side of an animation, in pixels."""
ANIMATION_SECONDS = 6.0
"""How long an animation takes, its last picture not counted."""
LAST_SECONDS = 2.0
"""How long its last picture stays."""

_QUALITY = 0.8
"""Of sound: compression from 0 to 1; about 50 kbit/s."""


@dataclass
class Budget:
    """Room for media in a page.

    Attributes
    ----------
    left : int
        Characters.
    refused : dict of str to int
        How many of each kind found no room.
    """

    left: int = BUDGET
    refused: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, address: str) -> str:
        """Give the address back if there is room for it, else an empty one."""
        if len(address) > self.left:
            self.refused[kind] = self.refused.get(kind, 0) + 1
            return ""
        self.left -= len(address)
        return address


def still(played: Played) -> tuple[str, tuple[int, int]] | None:
    """Give the work itself as a picture: a tune's score, else the picture of the whole episode.

    Returns
    -------
    (address, (width, height)) or None
        A data address and its size in pixels; None where nothing is drawn.
    """
    if played.tune is not None:
        text = score_svg(played.tune)
        box = text.partition('viewBox="0 0 ')[2].partition('"')[0]
        width, height = (round(float(side)) for side in box.split())
        return data_address("image/svg+xml", text.encode()), (width, height)
    picture = played.media.picture
    if picture is None:
        return None
    return picture_address(picture), (picture.shape[1], picture.shape[0])


def animation(frames: Sequence[Picture]) -> str:
    """Give pictures of one size as an animated WebP in a data address; empty for fewer than two."""
    if len(frames) < 2:
        return ""
    images = [Image.fromarray(frame).convert("RGB") for frame in frames]
    for image in images:
        image.thumbnail((ANIMATION_SIDE, ANIMATION_SIDE), Image.Resampling.LANCZOS)
    stays = [round(1000 * ANIMATION_SECONDS / (len(frames) - 1))] * (len(frames) - 1)
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        "webp",
        save_all=True,
        append_images=images[1:],
        duration=[*stays, round(1000 * LAST_SECONDS)],
        loop=0,
        quality=60,
        method=2,
    )
    return data_address("image/webp", buffer.getvalue())


def sound(media: EpisodeMedia) -> str:
    """Give what was written as sound, an MP3 in a data address; empty where there is none."""
    if media.sound is None:
        return ""
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        media.sound.mean(axis=1),
        media.rate,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=_QUALITY,
    )
    return data_address("audio/mpeg", buffer.getvalue())


__all__ = ["BUDGET", "Budget", "animation", "sound", "still"]
