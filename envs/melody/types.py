"""Records of `segue/Melody-v0`: the grid, and the state of a batch.

The grid is RL Tuner's (Jaques et al. 2017): `STEPS` sixteenths, each with one of `TOKENS` tokens,
which `segue.envs.melody.prior` states.
"""

from __future__ import annotations

from segue.envs.melody.ngram import NO_PITCH as NO_PITCH
from segue.envs.melody.ngram import PITCHES as PITCHES
from segue.envs.melody.prior import STEPS as STEPS
from segue.envs.melody.prior import TOKENS as TOKENS

LOW = 48
"""MIDI number of the lowest pitch, C3; pitch index p is ``LOW + p``."""

NOTE_OFF, HOLD, FIRST_ONSET = 0, 1, 2
"""Tokens: the note ends (or silence goes on), nothing happens, and the onset of pitch index 0."""

NO_TOKEN = TOKENS
"""Stands for a token before the first."""

PRIMERS = 37
"""Tokens that the melody may be primed with: 0 to 36, as RL Tuner draws them."""

WINDOW = 8
"""Sixteenths of RL Tuner's "bar", in which a motif lies: in truth half a bar of 4/4."""
SHORTER = WINDOW - 1
"""What of a window is known before its last token."""

LEAP = 7
"""Semitones from which on RL Tuner calls an interval a leap: a fifth."""
RECOVERED_LEAP = 5
"""Semitones from which on `PHRASE` asks for a step back: a fourth."""

MOST = 7
"""Counts that a rule only compares with less are kept up to here."""
LONGEST_RUN = 15
"""Repeats, runs and zigzags are counted up to here: what goes on costs more and more."""
LONGEST_RETURN = STEPS - 2 * WINDOW + 1
"""Greatest count of sixteenths in a returning motif."""

SURPRISE_LEVELS = 32
"""Mean interval surprise is kept in eighths of a bit below this."""

MONOTONY_LEVELS = 33
"""The share of intervals that go on like the one before is kept in 32nds: 0 to 32."""
LEAST_INTERVALS = 7
"""Intervals from which on a melody may be monotonous: four notes of a scale are a melody."""

(
    STEP,
    PRIMER,
    LENGTH,
    PREVIOUS,
    SOUNDING,
    FIRST,
    SECOND,
    THIRD,
    FOURTH,
    HOLDS,
    OFFS,
    REPEATS,
    BROKEN,
    LEAPING,
    LEAPT_FROM,
    SINCE_LEAP,
    TOP,
    TOP_COUNT,
    BOTTOM,
    BOTTOM_COUNT,
    DIRECTION,
    RUN,
    ZIGZAG,
    DISTINCT,
    RETURNS,
    HALF_MOVE,
    WHOLE_MOVE,
    HALF_TOKEN,
    WHOLE_TOKEN,
    KNOWN,
    FOLLOWS,
    MEAN_SURPRISE,
) = range(32)
"""Columns of an observed row: the part of the state that the agent sees.

STEP: sixteenths written. PRIMER: token shown before the first. LENGTH, PREVIOUS, SOUNDING, FIRST,
SECOND, THIRD: the context of `segue.envs.melody.ngram`: sixteenths since the last onset or note
off and between the two before, whether a note sounds, the last three pitches (`NO_PITCH` where
there is none). FOURTH: the pitch before them. HOLDS, OFFS: such tokens since the last onset.
REPEATS: onsets in a row of the last pitch; BROKEN: whether holds or offs stand before the last of
them, back to the onset of another pitch. LEAPING, LEAPT_FROM, SINCE_LEAP: direction of the
unresolved leap, the pitch before it, sixteenths since the last leap. TOP (pitch plus one, 0 for
none) and BOTTOM (NO_PITCH for none) with how often each was struck, up to 2. DIRECTION: the last
move; RUN: moves in a row that way; ZIGZAG: onsets in a row that come back to the pitch before the
last. DISTINCT: distinct pitches struck in the last SHORTER sixteenths. RETURNS: sixteenths so far
that ended a returning motif. HALF_MOVE, WHOLE_MOVE, HALF_TOKEN, WHOLE_TOKEN: moves and tokens
half a bar and a bar before the token to come (STILL and NO_TOKEN before the beginning). KNOWN: how
many of the last tokens, up to SHORTER, stand in this order at least half a bar earlier, too;
FOLLOWS: the token that followed there (NO_TOKEN for nowhere). MEAN_SURPRISE: of the intervals, in
eighths of a bit.
"""

SEEN_WORDS = 4
"""Words of eight bytes in an observed row, and in the row of its tokens, the newest lowest."""

LAGS, MATCHES, SUMS, PRODUCTS = range(4)
"""Words of a hidden row, by the bits from the lowest on.

For each lag of 31 to WINDOW sixteenths, the longest first, the count of last tokens, up to SHORTER,
that equal those so much earlier: its lowest bits in LAGS (24 bits), the middle ones after them (24
bits), the highest in MATCHES (24 bits). Then, in LAGS, how many intervals there were (8 bits), and
how many of them went on like the one before (8 bits); in MATCHES, the last sixteen moves, two bits
each, the newest lowest. SUMS: sum of the intervals' surprise in eighths of a bit (16 bits), sum of
the tokens (16 bits) and of their squares (32 bits). PRODUCTS: sums of the tokens' products at lags
of 1, 2 and 3 (20 bits each).
"""
HIDDEN_WORDS = PRODUCTS + 1
LAG_BITS = STEPS - WINDOW
"""How many lags are watched."""

STILL, UP, DOWN, SAME = 0, 1, 2, 3
"""Values of a move; STILL where nothing was begun or nothing was before."""
