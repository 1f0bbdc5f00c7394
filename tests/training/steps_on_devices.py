"""A program, for it needs more devices than the tests have: what steps take and move on each of 1 to 8 virtual devices.

Prints JSON, a row a network and number of devices: {"network", "devices", "split", "parameters", "batch_stats",
"layout", "live", "given", "compiled", "all-reduce", "all-gather"}. Parameters and batch statistics are numbers of
values, the others bytes a device: "layout" of parameters and momenta, by their shardings, "live" of such arrays that
exist, "given" of the step's arguments, "compiled" all that its executable takes (arguments, results that are not in
their place, and temporaries); the last two what it adds up and gathers.
"""

import json
import math
import os
import re
import sys
from functools import partial

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh

from simam_jax.models.registry import create_model
from simam_jax.ops.augment import create_augment
from simam_jax.training.experiment import batch_like
from simam_jax.training.mesh import gather, on_mesh, replicated, scatter
from simam_jax.training.optimizer import create_optimizer
from simam_jax.training.state import TrainState, create_state
from simam_jax.training.step import make_train_step


def learning_rate(step):
    return jnp.float32(0.01)


class Setup:
    """A network's step over so many devices."""

    def __init__(self, network: str, *, devices: int, split: bool, image_size: int, batch: int):
        self.mesh = Mesh(np.array(jax.devices()[:devices]), ("data",), axis_types=(AxisType.Auto,))
        self.split, self.image_size, self.batch = split, image_size, batch
        self.model = create_model(network, num_classes=16)
        self.optimizer = create_optimizer(name="sgd", momentum=0.9, weight_decay=2e-4, learning_rate=learning_rate)
        self.like: TrainState = on_mesh(jax.eval_shape(self.initial), self.mesh, shard=split)
        self.shardings = jax.tree.map(lambda leaf: leaf.sharding, self.like)

    def initial(self) -> TrainState:
        return create_state(self.model, self.optimizer, image_size=self.image_size, seed=0)

    def layout_bytes(self) -> int:
        """By the shardings."""
        leaves = jax.tree.leaves((self.like.params, self.like.opt_state))
        return sum(math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize for leaf in leaves)

    def live_bytes(self) -> int:
        """Of arrays that exist, on the device that has most."""
        state = jax.jit(self.initial, out_shardings=self.shardings)()
        held = dict.fromkeys(self.mesh.devices.flat, 0)
        for leaf in jax.tree.leaves((state.params, state.opt_state)):
            for shard in leaf.addressable_shards:
                held[shard.device] += shard.data.nbytes
        return max(held.values())

    def compile(self) -> jax.stages.Compiled:
        step = make_train_step(
            self.model,
            self.optimizer,
            learning_rate=learning_rate,
            augment=create_augment(),
            mean=(0.5,) * 3,
            std=(0.25,) * 3,
            gather=partial(gather, mesh=self.mesh),
            scatter=partial(scatter, mesh=self.mesh, shard=self.split),
        )
        out = (self.shardings, replicated(self.mesh))
        jitted = jax.jit(step, donate_argnums=0, out_shardings=out)
        batch = batch_like(self.batch, self.image_size, self.mesh)
        return jitted.lower(self.like, batch, jnp.uint32(0)).compile()


def compiled_bytes(compiled: jax.stages.Compiled) -> dict[str, int]:
    """What a step's executable holds at once, and what of that it is given."""
    memory = compiled.memory_analysis()
    rest = memory.temp_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return {"given": memory.argument_size_in_bytes, "compiled": memory.argument_size_in_bytes + rest}


def collective_bytes(program: str, name: str) -> int:
    """Of the results of all collectives of a name in an executable's HLO."""
    shapes = re.findall(rf"= (.*?) {name}(?:-start)?\(", program)
    arrays = re.findall(r"\b[a-z]+(\d+)\[([\d,]*)\]", " ".join(shapes))
    return sum(int(bits) // 8 * math.prod(map(int, filter(None, dims.split(",")))) for bits, dims in arrays)


def main() -> None:
    rows = []
    for network, image_size, batch in (("towernet", 128, 8), ("resnet18", 32, 8), ("vgg19", 32, 8)):
        for devices, split in ((1, False), (2, False), (4, False), (8, False), (2, True), (4, True), (8, True)):
            setup = Setup(network, devices=devices, split=split, image_size=image_size, batch=batch)
            row = {"network": network, "devices": devices, "split": split, "layout": setup.layout_bytes()}
            for name, tree in (("parameters", setup.like.params), ("batch_stats", setup.like.batch_stats)):
                row[name] = sum(leaf.size for leaf in jax.tree.leaves(tree))
            if network == "towernet":
                row["live"] = setup.live_bytes()
            if network != "vgg19" and devices > 1:
                compiled = setup.compile()
                row |= compiled_bytes(compiled)
                for name in ("all-reduce", "all-gather"):
                    row[name] = collective_bytes(compiled.as_text(), name)
            rows.append(row)
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
