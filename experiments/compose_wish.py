"""Composing what words ask for: pieces that fit a `Wish`, learnt section by section."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from segue.agents.generators.melodist import AttentionMelodist
from segue.agents.generators.pretrained import pretrained_model
from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.envs.lead_sheet.form import motifs
from segue.envs.lead_sheet.generator import draw_piece, to_actions
from segue.envs.lead_sheet.types import LOW, PITCHES, Brief, Piece
from segue.envs.music.brief.genres import GENRES
from segue.envs.music.brief.players import players
from segue.envs.music.brief.types import Melodist, Wish
from segue.envs.music.chords import roman
from segue.envs.music.moods import mood
from segue.envs.music.scales import MODES, pitch_class_name
from segue.envs.music.tune import Note, Tune
from segue.experiments.compose import Composition, Progress, check_seed, compose_piece
from segue.experiments.evaluation import greedy_action, play, random_action
from segue.experiments.manifest import Source

NOTES = {"sparse": 0.1, "medium": 0.4, "dense": 1.0}
"""How many notes the rhythm of a piece asks for, from 0 to 1, by density."""

RAISED = {"low": -6.0, "middle": 0.0, "high": 6.0}
"""Semitones by which the arch of a piece is moved, by register."""

COMPOSERS = ("attention", "q-learning")
"""Who composes: the pretrained melody model, or an agent that learns the piece at hand."""

_HARMONISED = ("major", "minor", "harmonic_minor")
"""Modes that the progressions of genres are written for."""


def compose_wish(
    wish: Wish,
    seed: int,
    progress: Progress | None = None,
    chords: str | None = None,
    melodist: Melodist | None = None,
) -> Composition:
    """Compose what a wish asks for.

    Density and register are part of the task: they choose the rhythm and the height of the arch
    that the piece asks for, and the optimum is that of this piece. A form gives one piece for each
    of its letters, and returns the sum of what they earn as often as they are played.

    Parameters
    ----------
    wish : Wish
        What is asked for.
    seed : int
        Of the pieces and of the agent; the same wish and seed give the same tune.
    progress : callable or None
        As for `segue.experiments.compose.compose`.
    chords : str or None
        Chord changes for every section; None are drawn by genre, mood and mode.
    melodist : Melodist or None
        Writes the melody in place of Q-learning; it is scored by the same reward.

    Raises
    ------
    SegueError
        For a negative seed, or chords that cannot be read or do not fill a section.
    """
    check_seed(seed)
    form = wish.form or "A"
    section = replace(wish, tonic=settled_tonic(wish, seed), bars=wish.bars // len(form), form=None)
    title = f"{wish.mood.capitalize()} {wish.genre} No. {seed + 1}"
    letters = sorted(set(form))
    made: dict[str, Composition] = {}
    for number, letter in enumerate(letters):
        rng = np.random.default_rng([seed, number])
        piece = piece_for(section, rng, chords)

        def tell(share: float, text: str, number: int = number) -> None:
            if progress:
                progress((number + share) / len(letters), text)

        if melodist is None:
            made[letter] = compose_piece(piece, seed, title, tell)
        else:
            notes = melodist.melody(section, piece.chords, rng)
            made[letter] = _scored(piece, notes, seed, title)
    whole = joined([made[letter] for letter in form], [made[letter] for letter in letters])
    return replace(whole, tune=replace(whole.tune, style=players(wish)))


def settled_tonic(wish: Wish, seed: int) -> int:
    """The tonic that a wish asks for, or one that suits its mood."""
    if wish.tonic is not None:
        return wish.tonic
    return int(np.random.default_rng(seed).choice(mood(wish.mood).tonics))


def brief_of(wish: Wish, rng: np.random.Generator, chords: str | None = None) -> Brief:
    """What a wish asks of `segue/LeadSheet-v0`; its tonic must be settled."""
    assert wish.tonic is not None
    key = f"{pitch_class_name(wish.tonic, wish.tonic, wish.mode)} {wish.mode}"
    return Brief(
        mood=wish.mood,
        bars=wish.bars,
        chords=chords or _genre_chords(wish, rng),
        key=key,
        metre=wish.metre,
        tempo=wish.tempo,
        swing=wish.swing,
    )


def piece_for(wish: Wish, rng: np.random.Generator, chords: str | None = None) -> Piece:
    """Draw a piece that asks its melody for the density and register of a wish.

    Parameters
    ----------
    wish : Wish
        Without form, its tonic settled.
    rng : numpy Generator
    chords : str or None
        As for `compose_wish`.
    """
    piece = draw_piece(brief_of(wish, rng, chords), rng)
    template, motif = motifs(NOTES[wish.density], piece.bars, piece.metre, rng)
    target = np.clip(piece.target + RAISED[wish.register], LOW, LOW + PITCHES - 1)
    return replace(piece, template=template, motif=motif, target=target)


def _genre_chords(wish: Wish, rng: np.random.Generator) -> str | None:
    """A progression of the genre as chord symbols, a bar each, the last one the tonic's."""
    minor = 3 in MODES[wish.mode]
    stock = GENRES[wish.genre].progressions.get("minor" if minor else "major", ())
    if not stock or wish.mode not in _HARMONISED:
        return None
    assert wish.tonic is not None
    numerals = stock[int(rng.integers(len(stock)))].split()
    bars = [roman(numerals[bar % len(numerals)], wish.tonic, wish.mode) for bar in range(wish.bars)]
    if bars[-1].root != wish.tonic:
        bars[-1] = roman("i" if minor else "I", wish.tonic, wish.mode)
    return " | ".join(chord.symbol for chord in bars) + " |"


def joined(played: Sequence[Composition], learnt: Sequence[Composition]) -> Composition:
    """Put sections one after another.

    Parameters
    ----------
    played : sequence of Composition
        In the order of the form.
    learnt : sequence of Composition
        Each of them once: what was learnt, and tried, one after another.
    """
    first = played[0].tune
    offsets = [index * first.quarters for index in range(len(played))]
    pairs = list(zip(offsets, (one.tune for one in played), strict=True))
    episodes, curves = 0.0, []
    for one in learnt:
        curves.append(one.curve + np.array([episodes, 0.0]))
        episodes = float(curves[-1][-1, 0])
    return Composition(
        tune=replace(
            first,
            bars=first.bars * len(played),
            notes=tuple(
                replace(note, onset=note.onset + at) for at, tune in pairs for note in tune.notes
            ),
            chords=tuple(
                replace(span, onset=span.onset + at) for at, tune in pairs for span in tune.chords
            ),
        ),
        value=sum(one.value for one in played),
        optimum=sum(one.optimum for one in played),
        random=sum(one.random for one in played),
        greedy=sum(one.greedy for one in played),
        steps=sum(one.steps for one in learnt),
        terms={name: sum(one.terms[name] for one in played) for name in played[0].terms},
        curve=np.concatenate(curves),
        by=played[0].by,
    )


def _scored(piece: Piece, notes: tuple[Note, ...], seed: int, title: str) -> Composition:
    """Score a melody that a model wrote by the reward of the piece.

    It is scored on the grid of eighths, in the octaves of the environment; the tune keeps its own
    onsets and pitches.
    """
    env = LeadSheetEnv(pieces=(piece,))
    middle = LOW + (PITCHES - 1) / 2
    mean = sum(note.pitch for note in notes) / len(notes) if notes else middle
    actions = iter(to_actions(notes, piece, 12 * round((middle - mean) / 12)).tolist())

    def act(env: gym.Env[Any, Any], observation: Any, info: Mapping[str, Any]) -> int:
        del env, observation, info
        return int(next(actions))

    random_return, _ = play(env, random_action(np.random.default_rng(seed)), seed)
    greedy_return, _ = play(env, greedy_action, seed)
    value, terms = play(env, act, seed)
    return Composition(
        tune=replace(env.tune(title), notes=notes),
        value=value,
        optimum=env.optimum(),
        random=random_return,
        greedy=greedy_return,
        steps=piece.slots,
        terms=terms,
        curve=np.array([[1.0, value]]),
        by="attention",
    )


def melodist_of(by: str) -> Melodist | None:
    """Who writes melodies, one of COMPOSERS; None is Q-learning, which learns them.

    Raises
    ------
    SegueError
        If there is nobody of that name.
    """
    if by not in COMPOSERS:
        raise SegueError(f"nobody called {by!r} composes here; choose {' or '.join(COMPOSERS)}.")
    if by == "q-learning":
        return None
    torch.set_num_threads(1)  # More are slower here, and figures would hang on their number.
    return AttentionMelodist(pretrained_model())


def model_sources() -> list[Source]:
    """Whose melodies the pretrained model has learnt from."""
    licences = pretrained_model().facts["licences"]
    return [Source(name, licence, "", "") for name, licence in licences.items()]


def chord_tones(tune: Tune) -> float:
    """Share of a tune's notes that belong to the chord that sounds when they begin."""
    onsets = [span.onset for span in tune.chords]
    fitting = [
        note.pitch % 12 in tune.chords[bisect_right(onsets, note.onset) - 1].chord.pitch_classes
        for note in tune.notes
    ]
    return sum(fitting) / len(fitting) if fitting else 0.0
