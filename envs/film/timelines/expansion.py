"""How much a document comes to once its references to nested sequences are followed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from xml.etree.ElementTree import Element

from segue.envs.film.timelines.gate import Budget, TimelineError


class Expansion:
    """Counts items before any is made, so that a small file cannot ask for millions.

    Parameters
    ----------
    items : collection of str
        Tags of the elements that count.
    refer : callable
        What an element refers to, or None.
    budget : Budget
        The file's name and what it may hold.
    """

    def __init__(
        self,
        items: Collection[str],
        refer: Callable[[Element], Element | None],
        budget: Budget,
    ) -> None:
        self._items, self._refer, self._budget = items, refer, budget
        self._known: dict[int, int] = {}
        self._open: set[int] = set()

    def check(self, element: Element) -> None:
        """Refuse an element that comes to too much, or contains itself.

        Raises
        ------
        TimelineError
            With one sentence that names the file.
        """
        if self._count(element) > self._budget.limits.events:
            raise TimelineError(
                f"{self._budget.source} has more than the {self._budget.limits.events:,} events "
                "allowed once its nested sequences are opened; flatten them."
            )

    def _count(self, element: Element) -> int:
        key = id(element)
        if key in self._open:
            raise TimelineError(
                f"{self._budget.source} has a sequence that contains itself; export it again."
            )
        if key not in self._known:
            self._open.add(key)
            total = 0
            for inner in element.iter():
                total += inner.tag in self._items
                target = self._refer(inner)
                if target is not None and target is not inner:
                    total += self._count(target)
            self._open.discard(key)
            self._known[key] = total
        return self._known[key]
