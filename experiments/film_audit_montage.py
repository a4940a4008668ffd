"""An audit of the montage reward: whether it prefers what people cut to noise and exploits.

People's edits are passages of finished films: a run of shots in their order, each as long as it
is there, to the nearest length that the environment has. Everything else is cut from the same
shots: by uniformly random legal actions, by all actions alike, and by exploits. The environment
itself scores each of them, term by term. There is no music, so that no beat is stronger than
another and nothing is to be learnt of sync and energy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.beats import BeatGrid
from segue.envs.film.features import colour_shares, grey, still_features, unit_colours
from segue.envs.film.shots import FEATURES, THIRDS, ShotTable
from segue.envs.montage.dynamics import action_sizes
from segue.envs.montage.env import Montage
from segue.envs.montage.generator import bank_of_rows, beat_frames
from segue.envs.montage.types import HANDLE, LENGTHS, Bank, MontageBatch
from segue.experiments.audit import Scores
from segue.experiments.film_audit import HUMAN, RANDOM, VALID, FilmAudit, compare

Actions = npt.NDArray[np.int64]
Player = Callable[[MontageBatch, Bank, np.random.Generator], Actions]
"""Gives the next action of every row."""

BEAT = 0.5
"""Seconds; shots of half a second to four seconds can be told, longer ones are cut short."""
FILM = 32
"""Beats of a passage."""
SHOTS = 12
"""Shots that a passage may take."""
STRIDE = 2
"""Shots between the beginnings of two passages."""


def audit_films(table: ShotTable, copies: int = 8, seed: int = 0) -> FilmAudit:
    """Set passages of finished films against edits of the same shots.

    Parameters
    ----------
    table : ShotTable
        The analysed films, of one frame rate.
    copies : int
        Rivals of each kind for each passage, >= 1.
    seed : int
        Of the rivals.

    Raises
    ------
    SegueError
        If no film has a passage.
    """
    shots = passages(table)
    if not len(shots):
        raise SegueError(
            f"The films have no {FILM * BEAT:g} s of shots that follow each other; give a finished "
            "film with more cuts."
        )
    task = _task(table, shots)
    generator = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(shots)), copies)
    scores = {HUMAN: _play(task, rows, _human, generator)}
    scores[VALID] = _play(task, rows, _valid, generator)
    for name, player in _PLAYERS.items():
        scores[name] = _play(task, rows, player, generator)
    films = len(np.unique(table.file[shots]))
    material = f"passages of {films:,} finished films"
    return compare("montage-films", material, scores, task.term_names, rows)


def passages(table: ShotTable) -> npt.NDArray[np.int64]:
    """Shots of each passage, (passages, SHOTS): those of one film whose lengths fill `FILM`.

    Shots too short for a beat between two handles are passed over.
    """
    usable = table.frames - 2 * HANDLE
    found = []
    for film in np.unique(table.file):
        shots = np.flatnonzero((table.file == film) & (usable >= _beat(table)))
        for start in range(0, len(shots) - SHOTS + 1, STRIDE):
            passage = shots[start : start + SHOTS]
            choices = _choices(usable[passage], _beat(table))
            if np.asarray(LENGTHS)[choices].sum() >= FILM:
                found.append(passage)
    return np.array(found, dtype=np.int64).reshape(-1, SHOTS)


def _beat(table: ShotTable) -> float:
    return BEAT * float(table.footage[0].rate)


def _choices(usable: npt.NDArray[np.integer], beat: float) -> npt.NDArray[np.int64]:
    """Nearest of `LENGTHS` to each number of frames, by ratio, among those that fit into it."""
    beats = np.maximum(usable, 1)[..., None] / beat
    options = np.asarray(LENGTHS)
    far = np.where(options <= beats, np.abs(np.log(beats / options)), np.inf)
    return np.asarray(far.argmin(axis=-1), dtype=np.int64)


def _task(table: ShotTable, shots: npt.NDArray[np.int64]) -> Montage:
    """Bins of each passage's shots, then as many stills of them, then black."""
    count = len(table)
    extended = with_stills_and_black(table)
    black = np.full((len(shots), 1), 2 * count)
    picked = np.concatenate([shots, shots + count, black], axis=1)
    flat = np.full(FILM, 0.5, dtype=np.float32)
    grid = BeatGrid(BEAT * np.arange(FILM + 1, dtype=np.float64), flat, flat, 60.0 / BEAT)
    frames = beat_frames(grid, FILM, table.footage[0].rate)
    return Montage(bank_of_rows(extended, picked, grid, frames), reuse=True)


def with_stills_and_black(table: ShotTable) -> ShotTable:
    """Append a still of each shot, which looks like its middle, and a shot of black."""
    still = table.features[:, THIRDS // 2, None].repeat(THIRDS, axis=1)
    for name in ("motion", "motion_x", "motion_y"):
        still[..., FEATURES.index(name)] = 0.0
    colours = table.colours[:, THIRDS // 2, None].repeat(THIRDS, axis=1)
    picture = np.zeros((90, 160, 3), dtype=np.uint8)
    black = still_features(picture, grey(picture))[: len(FEATURES)]
    night = unit_colours(colour_shares(picture))
    longest = int(table.frames.max())

    def longer(part: npt.NDArray[Any], last: Any) -> npt.NDArray[Any]:
        return np.concatenate([part, part, np.asarray(last, dtype=part.dtype)[None]])

    return replace(
        table,
        file=longer(table.file, table.file[0]),
        start=longer(table.start, 0),
        frames=longer(table.frames, longest),
        features=np.concatenate(
            [table.features, still, np.broadcast_to(black, (1, *still[0].shape))]
        ),
        colours=np.concatenate(
            [table.colours, colours, np.broadcast_to(night, (1, *colours[0].shape))]
        ),
        thumbnails=longer(table.thumbnails, np.zeros_like(table.thumbnails[0])),
        quality=longer(table.quality, np.zeros_like(table.quality[0])),
        sound=longer(table.sound, np.zeros_like(table.sound[0])),
    )


def _play(
    task: Montage, rows: npt.NDArray[np.int64], player: Player, generator: np.random.Generator
) -> Scores:
    batch = task.allocate(len(rows))
    task.begin(batch, np.arange(len(rows)), rows.astype(np.uint64))
    total = np.zeros((1 + len(task.term_names), len(rows)))
    while not batch.terminated.all():
        task.step(batch, player(batch, task.bank, generator))
        total[0] += batch.reward
        total[1:] += batch.terms
    return total


def _human(batch: MontageBatch, bank: Bank, generator: np.random.Generator) -> Actions:
    """Take the next shot from its beginning, as long as it is, by a plain cut."""
    del generator
    shot = np.minimum(batch.cuts, SHOTS - 1)
    usable = bank.frames[batch.bin, shot]
    length = _choices(usable, BEAT * float(bank.rate))
    left = bank.beats - batch.beat
    for option in range(len(LENGTHS) - 1, 0, -1):
        length = np.where((length == option) & (LENGTHS[option] > left), option - 1, length)
    nothing = np.zeros_like(shot)
    return np.stack([shot, nothing, length, nothing, nothing], axis=1)


def _valid(batch: MontageBatch, bank: Bank, generator: np.random.Generator) -> Actions:
    """Draw each part among what is legal, and the shot among those not yet shown."""
    mask = batch.mask.astype(bool)
    # A still counts as its shot: who shows stills shows each of them once, too.
    used = batch.used[:, :SHOTS] | batch.used[:, SHOTS : 2 * SHOTS]
    mask[:, :SHOTS] &= ~used | used.all(axis=1, keepdims=True)
    mask[:, SHOTS : bank.shots] = False
    return _drawn(mask, generator)


def _random(batch: MontageBatch, bank: Bank, generator: np.random.Generator) -> Actions:
    mask = np.ones_like(batch.mask, dtype=bool)
    mask[:, SHOTS : bank.shots] = False
    return _drawn(mask, generator)


def _drawn(mask: npt.NDArray[np.bool_], generator: np.random.Generator) -> Actions:
    """Draw each part of the actions uniformly among what its mask allows."""
    sizes = action_sizes(2 * SHOTS + 1)
    keys = np.where(mask, generator.random(mask.shape), -1.0)
    parts = np.split(keys, np.cumsum(sizes)[:-1], axis=1)
    return np.stack([part.argmax(axis=1) for part in parts], axis=1)


def _like(change: Callable[[Actions, MontageBatch], None]) -> Player:
    """Play like random-valid but for one change."""

    def play(batch: MontageBatch, bank: Bank, generator: np.random.Generator) -> Actions:
        actions = _valid(batch, bank, generator)
        change(actions, batch)
        return actions

    return play


def _strobe(actions: Actions, batch: MontageBatch) -> None:
    actions[:, 2] = 0


def _repeat(actions: Actions, batch: MontageBatch) -> None:
    actions[:, 0] = np.where(batch.cuts > 0, batch.last_shot, actions[:, 0])


def _freeze(actions: Actions, batch: MontageBatch) -> None:
    del batch
    actions[:, 0] += SHOTS


def _blacken(actions: Actions, batch: MontageBatch) -> None:
    del batch
    actions[:, 0] = 2 * SHOTS


_PLAYERS: dict[str, Player] = {
    RANDOM: _random,
    "strobe cuts": _like(_strobe),
    "one shot repeated": _like(_repeat),
    "frozen frames": _like(_freeze),
    "black frames": _like(_blacken),
}
EXPLOITS = tuple(_PLAYERS)
"""What random-valid is set against; `RANDOM` takes all actions alike, legal or not."""
