"""Work ahead in a thread: the next pictures are drawn while the last ones are coded."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.1


def ahead(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield `items`, which a thread takes from their iterator up to `depth` ahead.

    An exception of the iterator comes where its next item would have come. When the generator is
    closed, the thread stops before the next item.

    Parameters
    ----------
    items : iterator
        Used by the thread alone from here on.
    depth : int
        Items that wait at most, >= 1.
    """
    waiting: queue.Queue[tuple[Item | None, BaseException | None, bool]] = queue.Queue(depth)
    over = threading.Event()

    def put(entry: tuple[Item | None, BaseException | None, bool]) -> None:
        while not over.is_set():
            with suppress(queue.Full):
                waiting.put(entry, timeout=_POLL_SECONDS)
                return

    def work() -> None:
        try:
            for item in items:
                put((item, None, False))
                if over.is_set():
                    return
            put((None, None, True))
        except BaseException as error:
            put((None, error, True))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        while True:
            item, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]  # None only where the work is over
    finally:
        over.set()
        worker.join()
