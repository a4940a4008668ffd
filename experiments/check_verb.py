"""``segue check``: whether an environment keeps what segue demands of one, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from segue.envs.base.errors import SegueError
from segue.experiments.contract.runner import run_checks
from segue.experiments.contract.suite import Outcome
from segue.experiments.progress import progress_bar

FAULTS_FOUND = 1
"""Exit code where an error was found."""

SIGNS = {"passed": "✓", "failed": "✗", "warned": "!", "not offered": "-", "not checked": "?"}
PLAIN = {**SIGNS, "passed": "ok", "failed": "NO"}
"""Where the terminal cannot show the others."""


def check_verb(
    env_id: str, options: str | None, seconds: float
) -> tuple[dict[str, Any], list[str], int]:
    """Check an environment.

    Parameters
    ----------
    env_id : str
        Gymnasium id, or ``module:id``.
    options : str or None
        Its keyword arguments: a YAML or JSON mapping, or a file that holds one.
    seconds : float
        Longest time of a check.

    Returns
    -------
    record : dict
        Of each check its name, what it demands, how it ended and what it found.
    lines : list of str
        The same as a table.
    code : int
        0 without errors, else `FAULTS_FOUND`.

    Raises
    ------
    SegueError
        If there is no such environment, or the options are none.
    """
    if not 0 < seconds <= 86_400:
        raise SegueError(f"seconds is {seconds:g}; give a time above 0, in seconds.")
    given = read_options(options)
    with progress_bar("checking") as tell:
        outcomes = run_checks(env_id, given, seconds, tell)
    errors, warned = (
        sum(one.severity == kind for outcome in outcomes for one in outcome.findings)
        for kind in ("error", "warning")
    )
    record = {
        "env": env_id,
        "options": given,
        "passed": errors == 0,
        "errors": errors,
        "warnings": warned,
        "checks": [asdict(outcome) for outcome in outcomes],
    }
    return record, _table(env_id, outcomes, errors, warned), FAULTS_FOUND if errors else 0


def read_options(text: str | None) -> Mapping[str, Any]:
    """Read keyword arguments of an environment: a YAML or JSON mapping, or a file of one.

    Raises
    ------
    SegueError
        If it is none.
    """
    if text is None:
        return {}
    source = "--options"
    if "\n" not in text and not text.lstrip().startswith("{") and Path(text).is_file():
        source, text = text, Path(text).read_text(encoding="utf-8")
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SegueError(f"{source} is not YAML; give a mapping such as '{{bins: 8}}'.") from error
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise SegueError(f"{source} is {given!r}; give a mapping such as '{{bins: 8}}'.")
    try:
        json.dumps(given)
    except (TypeError, ValueError) as error:
        raise SegueError(f"{source} holds {error}; give numbers, texts, lists, maps.") from error
    return given


def _table(env_id: str, outcomes: Sequence[Outcome], errors: int, warned: int) -> list[str]:
    """One line a check, what it found below."""
    signs = SIGNS if _shows(SIGNS["passed"]) else PLAIN
    width = max(len(one.name) for one in outcomes)
    lines = []
    for one in outcomes:
        told = f"{one.status}: {one.reason}" if one.reason else one.demands
        lines.append(f"{signs[one.status]:2} {one.name:{width}}  {told}")
        lines += [f"     {finding.severity}: {finding.sentence}" for finding in one.findings]
    made = sum(one.status not in ("not offered", "not checked") for one in outcomes)
    verdict = "no faults" if not errors else "1 fault" if errors == 1 else f"{errors} faults"
    noted = "" if not warned else ", 1 warning" if warned == 1 else f", {warned} warnings"
    return [*lines, f"{env_id}: {verdict}{noted} in {made} of {len(outcomes)} checks"]


def _shows(sign: str) -> bool:
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
