"""From a batch row to an edit and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.film.edit import Cut, Edit
from segue.envs.film.effects import EFFECTS
from segue.envs.film.filmstrip import strip
from segue.envs.film.shots import THIRDS, ShotTable
from segue.envs.film.transitions import TRANSITIONS, sound_lead
from segue.envs.montage.dynamics import transition_frames
from segue.envs.montage.pictures import thumbnails
from segue.envs.montage.types import HANDLE, Bank, MontageBatch
from segue.rewards.film_view import CUT, NONE


def to_edit(
    bank: Bank,
    batch: MontageBatch,
    row: int,
    table: ShotTable,
    term_names: Sequence[str],
    title: str,
    music: Path | None = None,
    music_start: float = 0.0,
) -> Edit:
    """Turn the timeline of `row` into an edit of the footage that its bin was drawn from.

    Parameters
    ----------
    bank, batch, row
        Where the timeline stands; the bank's bins must come from `table`.
    table : ShotTable
        The analysed footage.
    term_names : sequence of str
        Names of `MontageBatch.piece_terms`.
    title : str
        Name of the film.
    music : Path or None
        Sound of the film.
    music_start : float
        Second of it at the first frame.

    Raises
    ------
    SegueError
        When the bank's shots were mirrored or reversed, so that it shows no footage as it is.
    """
    if bank.turned is not None:
        raise SegueError(
            "these bins hold mirrored or reversed shots, which are for training only; draw bins "
            "that are not turned to cut a film."
        )
    first = table.footage[0]
    return Edit(
        title=title,
        rate=bank.rate,
        width=first.width - first.width % 2,
        height=first.height - first.height % 2,
        cuts=_cuts(bank, batch, row, table, term_names),
        music=music,
        music_start=music_start,
    )


def _cuts(
    bank: Bank, batch: MontageBatch, row: int, table: ShotTable, term_names: Sequence[str]
) -> tuple[Cut, ...]:
    """Cuts of the pieces on the timeline of `row`."""
    cuts, effects, transitions = [], tuple(EFFECTS), tuple(TRANSITIONS)
    placed = batch.timeline[row, : int(batch.cuts[row])].tolist()
    lengths = [int(bank.beat_frames[p[6] + p[3]] - bank.beat_frames[p[6]]) for p in placed]
    for piece, (shot, offset, _, _, transition, effect, beat) in enumerate(placed):
        name = transitions[transition]
        drawn = TRANSITIONS[name].blend is not None
        source = int(bank.row[batch.bin[row], shot])
        footage = table.footage[int(table.file[source])]
        terms = zip(term_names, batch.piece_terms[row, piece].tolist(), strict=True)
        cuts.append(
            Cut(
                source=footage.path,
                source_rate=footage.rate,
                source_frames=footage.frames,
                in_point=int(table.start[source]) + HANDLE + offset,
                frames=lengths[piece],
                speed=EFFECTS[effects[effect]].speed,
                effect=effects[effect],
                transition=name,
                transition_frames=int(transition_frames(bank, beat)) if drawn else 0,
                sound_lead=sound_lead(name, bank.rate, lengths[max(piece - 1, 0)], lengths[piece]),
                shot=f"{footage.path.stem} {source:03d}",
                reward_terms=dict(terms),
            )
        )
    return tuple(cuts)


def picture(bank: Bank, batch: MontageBatch, row: int) -> npt.NDArray[np.uint8]:
    """Draw the timeline of `row` so far: thumbnails, transitions, effects, beats."""
    placed = batch.timeline[row, : int(batch.cuts[row])]
    third, effects = THIRDS, tuple(EFFECTS)
    pictures = thumbnails(bank, int(batch.bin[row]))
    usable = bank.frames[batch.bin[row], placed[:, 0]]
    entry = np.minimum(third * placed[:, 1] // np.maximum(usable, 1), third - 1)
    return strip(
        list(pictures[placed[:, 0], entry]),
        [float(beats) for beats in placed[:, 3]],
        ["" if effect == NONE else effects[effect].replace("_", " ") for effect in placed[:, 5]],
        transitions=[0.5 if transition != CUT else 0.0 for transition in placed[:, 4]],
        beats=[float(beat) for beat in range(bank.beats + 1)],
        total=float(bank.beats),
    )
