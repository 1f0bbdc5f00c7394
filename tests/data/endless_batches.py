"""A program that trains on nothing: it takes batches that two processes decode.

Prints these processes' ids, and for every line that it reads takes two batches more and prints where in the stream they
begin. When there are no more lines it ends, without a word to the processes.
"""

import multiprocessing
import sys

import numpy as np

from simam_jax.data.pipeline import train_batches
from simam_jax.data.records import Records
from simam_jax.data.view import FixedView


class Grey:
    labels = np.zeros(8, np.int32)
    names = ("grey",) * 8

    def __len__(self) -> int:
        return 8

    def read(self, place: int) -> tuple[np.ndarray, int]:
        return np.full((4, 4, 3), place, np.uint8), 0


def main() -> None:
    records = Records(Grey(), FixedView(4, antialias=False, resize_to=0), cache_gb=0.0, on_bad_record="fail")
    batches = iter(train_batches(records, batch_size=4, seed=0, workers=2))
    next(batches), next(batches)  # one of each process
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    for _ in sys.stdin:
        print(*(int(next(batches)["index"][0]) for _ in range(2)), flush=True)


if __name__ == "__main__":
    main()
