"""Tasks that are tabulated: how many tables they keep."""

from __future__ import annotations

import numpy as np
import pytest

from segue.envs.base.tabular import FEW
from segue.envs.lead_sheet.env import LeadSheet
from segue.envs.lead_sheet.types import Brief
from segue.envs.multicam.task import Multicam

TASKS = {
    "LeadSheet": lambda: LeadSheet(Brief("hopeful", 1), pieces=FEW + 3),
    "Multicam": lambda: Multicam(scenes=FEW + 3, steps=8),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_last_tables_are_kept_and_all_once_advice_was_asked(name: str) -> None:
    task = TASKS[name]()
    first = [task.model(number) for number in range(FEW)]
    assert task.model(0) is first[0], "it was there still, and is now the newest"
    task.model(FEW)
    assert task.model(0) is first[0]
    again = task.model(1)
    assert again is not first[1], "it was the oldest"
    assert np.array_equal(again.reward, first[1].reward)
    assert np.array_equal(again.next_state, first[1].next_state)
    values = [task.state_values(number) for number in range(FEW + 3)]
    assert len(task._models) == FEW
    assert all(task.state_values(number) is value for number, value in enumerate(values))
    batch = task.allocate(1)
    task.begin(batch, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint64))
    task.advice(batch, np.zeros(1, dtype=np.int64))
    every = [task.model(number) for number in range(FEW + 3)]
    assert all(task.model(number) is model for number, model in enumerate(every))
