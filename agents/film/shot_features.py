"""What an editor can know of each set-up of the bin just before a cut.

Nothing here looks ahead: of the edit only the shots before the cut are used, and of set-ups that
have not been used yet only what their slates tell. That a set-up is in the bin is known; how often
and when it will be used is not.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from segue.agents.film.reel import Flags, Floats, Integers, Reel

FEATURES = (
    # How long ago the set-up was seen: now (the cut would stay on it), before last, ...
    *("current", "before_last", "second", "third", "fourth", "fifth", "log_rank_beyond"),
    *("log_seconds_ago", "log_uses", "log_recent_uses"),
    # What followed the current set-up so far, what it followed, and what followed the last two.
    *("followed", "log_followed", "log_followed_by", "followed_two"),
    # How often the edit so far chose a set-up as long ago as this one.
    *("log_share_of_rank", "current_share", "unused_share", "unused_log_wait"),
    # Shot and reverse shot.
    *("before_last_run", "before_last_log_uses", "second_after_run"),
    *("before_last_log_length", "current_log_length", "unused_log_length"),
    # Scenes and slates.
    *("used_same_scene", "used_other_scene", "unused_same_scene", "unused_same_scene_log_count"),
    *("unvisited_scene", "next_scene", "next_scene_first", "next_scene_log_unused_here"),
    *("left_scene_of_intercut", "used_same_slate", "unused_same_slate"),
    *("used_log_distance", "other_scene_log_distance", "unused_next_slate", "unused_later_slate"),
    *("unused_after_newest", "unused_second_after_newest", "unused_first_of_scene"),
)
"""Names of the columns. `unused` ones are 0 for set-ups that were used before, and so on."""

_RANKS = 7
"""Ranks of recency that are counted apart; all beyond are one."""

_RECENT = 8
"""Shots that count as recent."""

_USUAL = (0.5, 2.0, 0.7, 0.4, 0.3, 0.2, 0.6, 2.0)
"""Pseudo-counts of the ranks, and of unused set-ups, before the first shot."""

_FORGET = 0.97
"""What is left of a count of ranks after each shot, for scenes differ in pattern."""


class History:
    """What the shots of a reel up to some cut tell; shots are added one by one.

    Parameters
    ----------
    reel : Reel
        The reel; of its shots only those that were added count.
    """

    def __init__(self, reel: Reel) -> None:
        size = len(reel.bin)
        self._reel = reel
        self._shots = 0
        self._uses = np.zeros(size)
        self._last = np.full(size, -1)
        self._ended = np.zeros(size)
        self._followed = np.zeros((size, size), np.float32)
        self._followed_two: dict[tuple[int, int], Counter[int]] = {}
        self._rank_counts = np.array(_USUAL)
        self._visited = np.zeros(int(reel.scenes.max(initial=-1)) + 1, np.bool_)
        self._newest = self._newest_at = -1
        self._run = 0
        self._left = -1
        self._intercut = False

    def add(self) -> None:
        """Take in the next shot."""
        reel, shot = self._reel, self._shots
        setup = int(reel.setups[shot])
        if shot:
            rank = int(self._ranks()[setup]) if self._uses[setup] else _RANKS
            self._rank_counts *= _FORGET
            self._rank_counts[min(rank, _RANKS - 1) if self._uses[setup] else _RANKS] += 1
            self._followed[reel.setups[shot - 1], setup] += 1
        if shot > 1:
            before, last = int(reel.setups[shot - 2]), int(reel.setups[shot - 1])
            self._followed_two.setdefault((before, last), Counter())[setup] += 1
            self._run = self._run + 1 if before == setup != last else 0
        if not self._uses[setup]:
            self._newest, self._newest_at = setup, shot
        scene = int(reel.scenes[setup])
        if shot and scene != (left := int(reel.scenes[reel.setups[shot - 1]])):
            self._left, self._intercut = left, scene >= 0 and bool(self._visited[scene])
        if scene >= 0:
            self._visited[scene] = True
        self._uses[setup] += 1
        self._last[setup] = shot
        self._ended[setup] = reel.starts[shot] + reel.seconds[shot]
        self._shots += 1

    def columns(self) -> npt.NDArray[np.float32]:
        """Features of each set-up of the bin for the next cut.

        Returns
        -------
        ndarray (set-ups, len(FEATURES)), float32
            Needs at least two shots.
        """
        current = int(self._reel.setups[self._shots - 1])
        used = self._uses > 0
        ranks = np.where(used, self._ranks(), -1)
        every = [
            *self._recency(ranks, used),
            *self._successions(current),
            *self._habits(ranks, used),
            *self._alternation(ranks, used, current),
            *self._scene(used, current),
            *self._order(used, current),
        ]
        return np.stack([np.asarray(column, np.float32) for column in every], axis=1)

    def _ranks(self) -> Integers:
        """How many other set-ups were seen after each; the used come before the unused."""
        ranks = np.empty(len(self._last), np.int64)
        ranks[np.argsort(-self._last, kind="stable")] = np.arange(len(ranks))
        return ranks

    def _recency(self, ranks: Integers, used: Flags) -> list[npt.NDArray[np.generic]]:
        reel, shots = self._reel, self._shots
        now = reel.starts[shots - 1] + reel.seconds[shots - 1]
        ago = np.where(used, np.maximum(now - self._ended, 0.0), 0.0)
        recent = np.bincount(reel.setups[max(0, shots - _RECENT) : shots], minlength=len(used))
        beyond = np.log(np.maximum(ranks, _RANKS - 2) / (_RANKS - 2))
        return [
            *(ranks == rank for rank in range(_RANKS - 1)),
            beyond,
            np.log1p(ago) / 2,
            np.log(np.maximum(self._uses, 1)),
            np.log1p(recent),
        ]

    def _successions(self, current: int) -> list[npt.NDArray[np.generic]]:
        after = self._followed[current]
        two = np.zeros(len(after))
        before = int(self._reel.setups[self._shots - 2])
        for setup, count in self._followed_two.get((before, current), Counter()).items():
            two[setup] = count
        return [
            after / (after.sum() + 1.0),
            np.log1p(after),
            np.log1p(self._followed[:, current]),
            two / (two.sum() + 0.5),
        ]

    def _habits(self, ranks: Integers, used: Flags) -> list[npt.NDArray[np.generic]]:
        shares = self._rank_counts / self._rank_counts.sum()
        share = np.where(used, shares[np.clip(ranks, 0, _RANKS - 1)], shares[_RANKS])
        return [
            np.log(share),
            (ranks == 0) * shares[0],
            ~used * shares[_RANKS],
            ~used * np.log1p(self._shots - 1 - self._newest_at),
        ]

    def _alternation(
        self, ranks: Integers, used: Flags, current: int
    ) -> list[npt.NDArray[np.generic]]:
        length = np.log(self._reel.seconds[self._shots - 1])
        return [
            (ranks == 1) * min(self._run, 6) / 3.0,
            (ranks == 1) * np.log(self._uses[current]),
            (ranks == 2) * float(self._run > 0),
            (ranks == 1) * length,
            (ranks == 0) * length,
            ~used * length,
        ]

    def _scene(self, used: Flags, current: int) -> list[npt.NDArray[np.generic]]:
        reel = self._reel
        scenes, here = reel.scenes, int(reel.scenes[current])
        known = (scenes >= 0) & (here >= 0)
        same = known & (scenes == here)
        visited = np.zeros(len(scenes), np.bool_)
        visited[scenes >= 0] = self._visited[scenes[scenes >= 0]]
        following = np.flatnonzero(~self._visited[here + 1 :]) if here >= 0 else np.empty(0)
        soon = scenes == here + 1 + following[0] if len(following) else np.zeros_like(used)
        unused = same & ~used
        slate = reel.slates == reel.slates[current]
        slate[current] = False
        others = used.copy()
        others[current] = False
        return [
            same & others,
            ~same & others,
            unused,
            unused * np.log(max(unused.sum(), 1)),
            (scenes >= 0) & ~visited,
            soon,
            _first(soon),
            soon * np.log1p(unused.sum()),
            (scenes == self._left) & (self._left >= 0) & self._intercut,
            slate & used,
            slate & ~used,
        ]

    def _order(self, used: Flags, current: int) -> list[npt.NDArray[np.generic]]:
        reel = self._reel
        places = np.arange(len(used))
        told = reel.ordered & reel.ordered[current]
        same = (reel.scenes == reel.scenes[current]) & (reel.scenes >= 0)
        distance: Floats = np.log(np.maximum(np.abs(places - current), 1)) * told
        unused = told & ~used
        newer = unused & (places > self._newest) & reel.ordered[self._newest]
        first = _first(newer)
        return [
            (used & same) * distance,
            (~used & ~same) * distance,
            unused & (places == current + 1),
            unused & same & (places > current),
            first,
            _first(newer & ~first),
            _first(unused & same),
        ]


def _first(flags: Flags) -> Flags:
    """Only the first that is set."""
    found = np.zeros_like(flags)
    found[np.flatnonzero(flags)[:1]] = True
    return found


def choice_features(reel: Reel) -> npt.NDArray[np.float32]:
    """Features of every set-up of the bin at every cut, from the third shot on.

    Parameters
    ----------
    reel : Reel
        The reel.

    Returns
    -------
    ndarray (max(shots - 2, 0), set-ups, len(FEATURES)), float32
    """
    history = History(reel)
    found = []
    for shot in range(len(reel.setups)):
        if shot >= 2:
            found.append(history.columns())
        history.add()
    if not found:
        return np.zeros((0, len(reel.bin), len(FEATURES)), np.float32)
    return np.stack(found)
