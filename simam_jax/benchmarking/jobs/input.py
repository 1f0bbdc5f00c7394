"""Images from class folders to batches, by this project's pipeline. Needs what training needs."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simam_jax.benchmarking.jobs.job import Job, Spec
from simam_jax.data.decode import decode
from simam_jax.data.pipeline import train_batches
from simam_jax.data.records import Records
from simam_jax.data.view import FixedView
from simam_jax.models.registry import create_model
from simam_jax.profiling.train_step import first_state, initial_variables, make_step
from simam_jax.training.feed import feed
from simam_jax.training.mesh import create_mesh, replicated


class _Files:
    """The files that a list names, as examples."""

    def __init__(self, listing: dict[str, Any]):
        self._root = Path(listing["root"])
        self.names: list[str] = listing["files"]
        self.labels = np.array(listing["labels"], np.int32)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        return decode((self._root / self.names[place]).read_bytes(), trusted=True), int(self.labels[place])


def decode_job(spec: Spec) -> Job:
    """Batches decoded and resized, nothing cached.

    Takes "list" (a JSON file of {"root", "files", "labels"}), "image_size", "antialias", "batch" and "workers". A run
    is so many "batches"; before it begins to count, as many are drawn as may lie ready from before ("ahead").
    """
    batches = iter(train_batches(_records(spec, 0.0), batch_size=spec["batch"], seed=0, workers=spec["workers"]))
    _draw(batches, spec["ahead"])

    def run(iterations: int) -> dict[str, Any]:
        _draw(batches, spec["ahead"])
        start = time.perf_counter()
        _draw(batches, iterations * spec["batches"])
        return {"seconds": time.perf_counter() - start}

    return Job(run)


def waiting_job(spec: Spec) -> Job:
    """Training steps fed with cached images, as a run is; a run's answer says how long it "waited" for them.

    Takes what `decode_job` takes but "ahead", "batches" and "workers", and "network", "attention" and "dtype".
    """
    records = _records(spec, 1e9)
    for place in range(len(records)):
        records.read(place, 0)
    mesh = create_mesh()
    model = create_model(spec["network"], num_classes=spec["classes"], attention=spec["attention"], dtype=spec["dtype"])
    step = make_step(model)

    def normalise_and_step(state, batch):
        return step(state, batch["image"].astype(jnp.float32) / 127.5 - 1, batch["label"])

    batches = feed(train_batches(records, batch_size=spec["batch"], seed=0), mesh)
    state = jax.device_put(first_state(initial_variables(model, spec["image_size"])), replicated(mesh))
    compiled = jax.jit(normalise_and_step, donate_argnums=0).lower(state, next(batches)).compile()

    def run(iterations: int) -> dict[str, Any]:
        nonlocal state
        waited = 0.0
        for _ in range(iterations):
            start = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - start
            state, loss = compiled(state, batch)
            jax.block_until_ready(loss)
        return {"waited": waited}

    run(2)
    return Job(run)


def _records(spec: Spec, cache_gb: float) -> Records:
    view = FixedView(spec["image_size"], spec["antialias"], 0)
    listing = json.loads(Path(spec["list"]).read_text())
    return Records(_Files(listing), view, cache_gb=cache_gb, on_bad_record="fail")


def _draw(batches: Iterator, count: int) -> None:
    for _ in range(count):
        next(batches)
