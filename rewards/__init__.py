"""Rewards: named, bounded terms and their weighted sums.

Nothing here knows of environments: a term sees a *view* record that this package defines and an
environment fills.
"""

from segue.rewards.base import Term, WeightedSum
from segue.rewards.shaping import bell

__all__ = ["Term", "WeightedSum", "bell"]
