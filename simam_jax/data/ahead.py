"""Work on a long sequence by several threads, its results in order, few of them in memory at a time."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def work_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """Yields `work(item)` for every item, in order; close it where not all are taken, so that no thread works on.

    As many items as two a thread are begun before their turn, and no more, however slow the taker is.
    """
    threads = min(32, (os.cpu_count() or 1) + 4)  # more than cores: some wait for a disk
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > 2 * threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
