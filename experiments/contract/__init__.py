"""What segue demands of an environment, as a list of checks; ``segue check`` runs it.

Every environment registered by segue keeps all of it, which its tests see to. Of an environment of
others, what it does not offer (masks, reward terms, a bound, a vector form) is not demanded.
"""

from __future__ import annotations

from segue.experiments.contract.check import Check, Finding, NotCheckedError, Subject
from segue.experiments.contract.suite import CHECKS, Outcome, examine, examine_all

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "NotCheckedError",
    "Outcome",
    "Subject",
    "examine",
    "examine_all",
]
