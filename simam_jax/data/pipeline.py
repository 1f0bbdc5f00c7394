"""Batches for one process, through Grain.

A training run is one endless stream: the records shuffled anew for every pass. Batch `step` is records
[step·B, (step + 1)·B) of it, whatever the number of processes, threads or workers; each process reads its own
consecutive share of every batch. So a position in the stream is a step, and there is no iterator state to save.
"""

import multiprocessing
import os
import signal
import threading
from functools import partial
from typing import TypedDict

import grain
import numpy as np
from absl import flags

from simam_jax.data.records import Records

# A process's batches in preparation while one is trained on.
_AHEAD = 4


class Batch(TypedDict):
    """image: uint8 (B, S, S, 3); label: int32 (B,); mask: float32 (B,); index: uint32 (B,), the place in the stream."""

    image: np.ndarray
    label: np.ndarray
    mask: np.ndarray
    index: np.ndarray


def train_batches(
    records: Records,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    workers: int = -1,
    streams: int = 1,
) -> grain.IterDataset:
    """The endless training batches (`Batch`) of one process, from batch `start_step` on.

    Args:
        records: the training split.
        batch_size: of all processes together.
        seed: of the order; orders of different seeds and of different passes differ.
        start_step: the first batch to give.
        process_index: which share of every batch is ours.
        process_count: how many processes share a batch; divides batch_size.
        workers: processes that decode; 0 decodes in threads of this one; -1 is 0 where the records are cached and
            one fewer than the cores elsewhere, divided among the streams.
        streams: how many such streams this process reads at a time.
    """
    # Grain shuffles pass k by seed + k: neighbouring seeds would share their orders, one pass apart.
    spread = int(np.random.SeedSequence([seed, 0]).generate_state(1)[0])
    places = grain.MapDataset.range(len(records)).shuffle(seed=spread).repeat(None)
    return _share(
        places.map_with_index(partial(_record, records)),
        batch_size,
        start_step,
        process_index=process_index,
        process_count=process_count,
        workers=_workers(workers, records, streams),
    )


def eval_batches(
    records: Records, *, batch_size: int, process_index: int = 0, process_count: int = 1, workers: int = 0
) -> grain.IterDataset:
    """Every record once, in order, as `Batch`; the last batch is filled up with black images whose mask is 0.

    Every process gets equally many batches. `index` is the record's place in the split, or the split's length and
    more where it is filling.
    """
    batches = -(-len(records) // batch_size)
    places = grain.MapDataset.range(batches * batch_size)
    return _share(
        places.map_with_index(partial(_record, records)),
        batch_size,
        0,
        process_index=process_index,
        process_count=process_count,
        workers=_workers(workers, records),
    )


def _share(
    stream: grain.MapDataset, batch_size: int, start_step: int, *, process_index: int, process_count: int, workers: int
) -> grain.IterDataset:
    blocks = stream.batch(batch_size // process_count)
    mine = blocks[start_step * process_count + process_index :: process_count]
    threads = os.cpu_count() or 1
    batches = mine.to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(threads, _AHEAD)))
    if workers:
        # Grain's options for its workers are absl flags, which our commands do not parse.
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()
        batches = batches.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers), _serve_until_the_end)
    return batches


def _serve_until_the_end(worker: int, count: int) -> None:
    """Has a decoding process end with the one that it works for, and not before.

    A terminal's Ctrl-C and a cluster's SIGTERM reach it too, while the other still has to save. And where the other is
    killed, nobody tells it to end.
    """
    del worker, count
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # Not Linux' prctl: its parent is the thread that starts a process, which here is one of Grain's that may end.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _record(records: Records, index: int, place: int) -> dict:
    """What stands at `index` of a stream of places; those beyond the last record are filling."""
    record = records.read(place, index) if place < len(records) else records.blank()
    return {**record, "index": np.uint32(index)}


def _workers(workers: int, records: Records, streams: int = 1) -> int:
    if workers >= 0:
        return workers
    return 0 if records.cached else max((os.cpu_count() or 1) - 1, 0) // streams
