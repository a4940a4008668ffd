"""Drawing ahead in a thread: the same pictures, the same errors, no thread left."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from segue.envs.film.ahead import ahead


def counting(stop: int, seen: list[int], fail: bool = False) -> Iterator[int]:
    for number in range(stop):
        seen.append(number)
        yield number
    if fail:
        raise ZeroDivisionError("at the end")


def test_items_come_in_order_and_not_too_far_ahead() -> None:
    seen: list[int] = []
    before = threading.active_count()
    for number in ahead(counting(50, seen), 3):
        assert number + 1 <= len(seen) <= number + 6  # waiting, being handed over, being made
    assert seen == list(range(50))
    assert threading.active_count() == before


def test_an_error_comes_in_its_place() -> None:
    items = ahead(counting(4, [], fail=True), 2)
    assert [next(items) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError, match="at the end"):
        next(items)


def test_closing_ends_the_thread() -> None:
    seen: list[int] = []
    before = threading.active_count()
    items = ahead(counting(10**9, seen), 2)
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before
    assert len(seen) < 10
