import jax
import numpy as np

from simam_jax.training.checksum import checksum
from simam_jax.training.mesh import create_mesh, replicated, split

STATE = {"w": np.random.default_rng(0).random((8, 4), np.float32), "n": np.int32(3)}


def test_the_layout_does_not_matter():
    mesh = create_mesh()
    whole = jax.device_put(STATE, replicated(mesh))
    halves = {**whole, "w": jax.device_put(STATE["w"], split(mesh))}
    assert not halves["w"].is_fully_replicated
    assert len({checksum(state, None) for state in (STATE | {"n": np.array(STATE["n"])}, whole, halves)}) == 1


def test_every_bit_name_and_metric_does():
    others = [
        STATE,
        STATE | {"w": np.nextafter(STATE["w"], 1)},
        STATE | {"w": STATE["w"].reshape(4, 8)},
        STATE | {"w": STATE["w"].view(np.int32)},
        {"v": STATE["w"], "n": STATE["n"]},
    ]
    sums = [checksum(jax.tree.map(np.asarray, state), None) for state in others]
    sums += [checksum(jax.tree.map(np.asarray, STATE), {"value": value}) for value in (0.5, 0.25)]
    assert len(set(sums)) == len(sums)
