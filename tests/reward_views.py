"""Steps and cuts as reward terms see them, and the value of a term there."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from segue.rewards import film_view, melody
from segue.rewards.film_view import CutView
from segue.rewards.melody import NoteView


def note(**changes: Any) -> NoteView:
    """A weak onset of a chord tone, a whole step up from the note before; then `changes`."""
    view = NoteView(
        kind=np.array([melody.ONSET]),
        pitch=np.array([67]),
        chord_tone=np.array([True]),
        degree=np.array([7]),
        moves=np.array([True]),
        interval=np.array([2]),
        leap=np.array([0]),
        run=np.array([0]),
        repeats=np.array([0]),
        unresolved=np.array([False]),
        strength=np.array([0.25]),
        target=np.array([67.0]),
        template=np.array([melody.ONSET]),
        motif=np.array([melody.NO_MOTIF]),
        cadence=np.array([melody.NO_CADENCE]),
        illegal=np.array([False]),
    )
    return replace(view, **{name: np.atleast_1d(value) for name, value in changes.items()})


def cut(**changes: Any) -> CutView:
    """A plain cut in the middle of a film to a piece of a quarter of it; then `changes`."""
    values: dict[str, Any] = {field.name: 0.0 for field in fields(CutView)}
    values |= {"share": 0.25, "seconds": 2.0, "first": False, "fills": False, "illegal": False}
    values |= {
        "transition": film_view.CUT,
        "effect": film_view.NONE,
        "strength": 0.5,
        "similarity": 0.5,
    }
    return CutView(**{name: np.atleast_1d(v) for name, v in (values | changes).items()})


def value(term: Any, view: Any) -> Any:
    found = term(view)
    assert found.dtype == np.float64
    return pytest.approx(np.broadcast_to(found, (1,)).item(), abs=1e-12)
