"""Charts of TensorBoard's Custom Scalars page: what is looked at first, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

RETURN = "return"
"""Tag of an episode's return; finer ones begin with ``return/``."""
FRACTION = "fraction_of_optimum"
"""Tag of the return over the optimum or bound; finer ones begin with ``fraction_of_optimum/``."""
TERMS = "reward"
"""Folder of the reward terms: ``reward/<term>``."""
AGENT = "agent"
"""Folder of what an agent tells of its own learning."""
IMITATION = "imitation"
"""Folder of what an agent tells that imitates."""

Charts = Mapping[str, str]
"""By title: a regular expression of the tags that a chart shows, matched from their beginning."""

COMMON: Charts = {
    "1. return, in training and in test": rf"{RETURN}(/.*)?$",
    "2. fraction of the optimum or bound": rf"{FRACTION}(/.*)?$",
    "3. reward terms": rf"{TERMS}/.*",
}
"""Of every run."""

_LOSSES: dict[str, str] = {"4. losses": rf"{AGENT}/train/(?!entropy).*loss$"}
_EPSILON: dict[str, str] = {"5. epsilon": rf"{AGENT}/(rollout/exploration_rate|table/epsilon)$"}
_POLICY: dict[str, str] = {
    "5. entropy, negative": rf"{AGENT}/train/entropy_loss$",
    "6. policy update": rf"{AGENT}/train/(approx_kl|clip_fraction|explained_variance)$",
}
_DISCRIMINATOR: dict[str, str] = {"7. discriminator": rf"{AGENT}/discriminator/.*"}
_TABLE: dict[str, str] = {"4. states met": rf"{AGENT}/table/states_met$"}
_IMITATION: dict[str, str] = {
    "8. imitation, loss": rf"{IMITATION}/loss$",
    "9. imitation, agreement": rf"{IMITATION}/agreement/.*",
}

_OF_AGENTS: Mapping[str, Charts] = {
    **dict.fromkeys(("a2c", "ppo", "maskable-ppo"), _LOSSES | _POLICY),
    **dict.fromkeys(("dqn", "dqfd", "psi-learning", "g-learning"), _LOSSES | _EPSILON),
    **dict.fromkeys(("q-learning", "double-q", "q-lambda"), _TABLE | _EPSILON),
    "gail": _LOSSES | _POLICY | _DISCRIMINATOR,
    "bc": {},
    "dagger": {},
}


def charts_of(agent: str, imitates: bool) -> Charts:
    """Give an agent's own charts; a chart of the same title is the same for all agents.

    Parameters
    ----------
    agent : str
        Its name; one of others has all charts of deep agents.
    imitates : bool
        Whether it imitates, alone or before it learns from reward.
    """
    own = _OF_AGENTS.get(agent, _LOSSES | _EPSILON | _POLICY)
    return {**own, **(_IMITATION if imitates else {})}


def layout(charts: Charts) -> dict[str, dict[str, Sequence[Any]]]:
    """Give the page of `COMMON` and of some more charts as ``SummaryWriter`` wants it."""
    page = {title: ["Multiline", [tags]] for title, tags in {**COMMON, **charts}.items()}
    return {"segue": dict(page)}


__all__ = ["AGENT", "COMMON", "FRACTION", "IMITATION", "RETURN", "TERMS", "charts_of", "layout"]
