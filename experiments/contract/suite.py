"""The list of checks, and how they are run one after the other."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from segue.experiments.contract import basics, seeds
from segue.experiments.contract.check import (
    Check,
    Finding,
    NotCheckedError,
    Subject,
    advice,
    fault,
    raised,
)
from segue.experiments.contract.elsewhere import other_process
from segue.experiments.contract.episodes import EPISODES
from segue.experiments.contract.learners import LEARNERS
from segue.experiments.contract.moments import MOMENTS
from segue.experiments.contract.our_vectors import OUR_VECTORS
from segue.experiments.contract.pictures import PICTURES
from segue.experiments.contract.vectors import VECTORS

CHECKS: tuple[Check, ...] = (
    basics.made,
    basics.returns,
    basics.first_observation,
    basics.constant_spaces,
    basics.metadata,
    basics.gymnasium,
    *MOMENTS,
    seeds.same_seed,
    seeds.seeds,
    seeds.reset_anew,
    seeds.independent,
    other_process,
    seeds.global_randomness,
    seeds.not_overwritten,
    basics.actions_kept,
    seeds.pickled,
    seeds.resumed,
    *EPISODES,
    *PICTURES,
    basics.close,
    *VECTORS,
    *OUR_VECTORS,
    *LEARNERS,
)
"""In the order in which they are made and shown."""

Status = Literal["passed", "failed", "warned", "not offered", "not checked"]


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes
    ----------
    name, demands : str
        The check's.
    status : str
        ``passed``, ``failed`` (an error), ``warned``, ``not offered`` or ``not checked``.
    findings : tuple of Finding
        What is wrong.
    reason : str
        Why it was not offered or not checked.
    """

    name: str
    demands: str
    status: Status
    findings: tuple[Finding, ...] = field(default=())
    reason: str = ""


def examine(check: Check, subject: Subject) -> Outcome:
    """Make one check; whatever the environment raises or warns of becomes a finding."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        findings: list[Finding] = []
        try:
            lacking = check.applies(subject)
            if lacking:
                return Outcome(check.name, check.demands, "not offered", reason=lacking)
            findings.extend(check.find(subject))
        except NotCheckedError as error:
            return Outcome(check.name, check.demands, "not checked", reason=str(error))
        # An environment of others can raise anything, even what is no Exception.
        except (Exception, SystemExit) as error:
            findings.append(fault(raised(error)))
    findings += _said(warned)
    errors = any(finding.severity == "error" for finding in findings)
    status: Status = "failed" if errors else "warned" if findings else "passed"
    return Outcome(check.name, check.demands, status, tuple(dict.fromkeys(findings)))


def _said(warned: Sequence[warnings.WarningMessage]) -> Iterator[Finding]:
    """Warnings that are meant for who makes an environment."""
    for one in warned:
        if issubclass(one.category, UserWarning | RuntimeWarning):
            text = " ".join(re.sub(r"\x1b\[\d*m", "", str(one.message)).split())
            yield advice(f"it warns: {text.removeprefix('WARN: ').rstrip('.')}.")


def examine_all(
    subject: Subject, checks: Sequence[Check] = CHECKS, tell: Callable[[int], Any] | None = None
) -> Iterator[Outcome]:
    """Make checks one after the other; where a gate fails, the rest are not checked."""
    shut = ""
    for number, check in enumerate(checks):
        if tell:
            tell(number)
        if shut:
            yield Outcome(check.name, check.demands, "not checked", reason=shut)
            continue
        outcome = examine(check, subject)
        if check.gate and outcome.status == "failed":
            shut = f"mend {check.name!r} first"
        yield outcome
