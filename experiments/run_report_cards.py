"""Episodes that a report shows: the best, the median and the worst of each agent, replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segue.envs.base.errors import SegueError
from segue.experiments.compare_runs import Group, Run
from segue.experiments.compare_scores import Measure
from segue.experiments.evaluation import Act
from segue.experiments.run_folder import RunFolder
from segue.experiments.run_report_media import Budget, animation, sound, still
from segue.experiments.run_report_replay import Chosen, choose, replay, restored
from segue.experiments.run_report_runs import DAMAGED, Trouble

Tell = Callable[[float, str], None]

_CLOSE = 1e-6
"""Relative difference up to which a replay's return is the one that the run's result tells."""


@dataclass(frozen=True, eq=False)
class Card:
    """An episode on the page.

    Attributes
    ----------
    chosen : Chosen
        Which one.
    others : mapping of str to float
        Returns of the baselines on the same episode.
    bound : float or None
        Its best return, or above.
    problem : str
        Why it could not be replayed, or that the replay went another way; empty if all is well.
    steps : int
        Its length; 0 where it was not replayed.
    terms : mapping of str to float
        Sum of each reward term.
    brief : str
        What was given.
    picture, moving, sound : str
        Data addresses; empty where there is none.
    dropped : tuple of str
        Kinds of media that found no room.
    size : (int, int)
        Width and height of the picture, in pixels.
    notation : bool
        Whether the picture is a score.
    """

    chosen: Chosen
    others: Mapping[str, float]
    bound: float | None
    problem: str = ""
    steps: int = 0
    terms: Mapping[str, float] = field(default_factory=dict)
    brief: str = ""
    picture: str = ""
    size: tuple[int, int] = (0, 0)
    notation: bool = False
    moving: str = ""
    sound: str = ""
    dropped: tuple[str, ...] = ()

    @property
    def beaten_by(self) -> list[str]:
        """Baselines that did better on this episode."""
        return [name for name, value in self.others.items() if value > self.chosen.value]


def cards_of(
    group: Group, measure: Measure, count: int, tell: Tell
) -> tuple[list[Card], list[Trouble]]:
    """Choose and replay episodes of an agent; look whether all of its runs can be restored.

    Parameters
    ----------
    group : Group
        The agent's runs.
    measure : Measure
        How returns become scores.
    count : int
        Episodes.
    tell : callable
        Told the share done and a text.

    Returns
    -------
    cards : list of Card
        From best to worst.
    troubles : list of Trouble
        Runs with damaged checkpoints.
    """
    chosen = choose(group, measure, count)
    cards: dict[int, Card] = {}
    troubles: list[Trouble] = []
    for number, run in enumerate(group.runs):
        tell(number / len(group.runs), f"{group.label}: replaying run {number}")
        mine = [(place, one) for place, one in enumerate(chosen) if one.run is run]
        try:
            act, _, damage = restored(run.config, RunFolder(run.path))
        except SegueError as error:
            troubles.append(Trouble(run.path, DAMAGED, f"It cannot be replayed: {error}"))
            cards |= {place: replace(_card(one), problem=str(error)) for place, one in mine}
            continue
        troubles += [Trouble(run.path, DAMAGED, text) for text in damage]
        for place, one in mine:
            cards[place] = _replayed(one, act)
    return [cards[place] for place in sorted(cards)], troubles


def _card(one: Chosen) -> Card:
    result = one.run.result
    return Card(
        one,
        {name: of.returns[one.episode] for name, of in result.baselines.items()},
        None if result.bounds is None else result.bounds[one.episode],
    )


def _replayed(one: Chosen, act: Act) -> Card:
    played = replay(one.run, act, one.seed)
    problem = ""
    if abs(played.value - one.value) > _CLOSE * max(1.0, abs(one.value)):
        problem = (
            f"The replay ended with {played.value:.3f} and not with {one.value:.3f}, as when the "
            "run was tested: its checkpoint, the environment or a library has changed since."
        )
    drawn = still(played)
    card = replace(
        _card(one),
        problem=problem,
        steps=played.steps,
        terms=played.terms,
        brief=" ".join(played.media.brief.replace("**", "").replace("`", "").split()),
        moving=animation(played.media.frames),
        sound=sound(played.media),
        notation=played.tune is not None,
    )
    return card if drawn is None else replace(card, picture=drawn[0], size=drawn[1])


def within(shows: Sequence[list[Card]], budget: Budget) -> list[list[Card]]:
    """Keep media as long as there is room: all pictures first, then sound, then animations."""
    kept = [list(cards) for cards in shows]
    for kind, name in (("pictures", "picture"), ("sounds", "sound"), ("animations", "moving")):
        for cards in kept:
            for place, card in enumerate(cards):
                address = getattr(card, name)
                if address and not budget.take(kind, address):
                    lost: dict[str, Any] = {name: "", "dropped": (*card.dropped, kind)}
                    cards[place] = replace(card, **lost)
    return kept


def beaten(runs: Sequence[Run], name: str) -> tuple[int, int]:
    """Count the test episodes of runs on which a baseline did better, and all of them."""
    pairs = [
        (ours, theirs)
        for run in runs
        for ours, theirs in zip(run.result.returns, run.result.baselines[name].returns, strict=True)
    ]
    return sum(theirs > ours for ours, theirs in pairs), len(pairs)


__all__ = ["Card", "beaten", "cards_of", "within"]
