"""Storage that fails is told from files that hold something wrong, by the errors that libraries really raise."""

import errno
import resource
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorstore

from simam_jax.training.causes import from_devices, from_storage


@contextmanager
def limit(kind: int, value: int):
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def write(folder):
    spec = {"driver": "zarr3", "kvstore": {"driver": "ocdbt", "base": f"file://{folder}/"}}
    store = tensorstore.open(spec, create=True, dtype=tensorstore.float32, shape=[4096]).result()
    store.write(np.random.default_rng(0).random(4096, np.float32)).result()


def test_tensorstores_errors(tmp_path):
    with limit(resource.RLIMIT_FSIZE, 2000), pytest.raises(ValueError, match="File too large") as full:
        write(tmp_path / "a")
    assert from_storage(full.value) == "File too large"
    write(tmp_path / "b")
    for path in (tmp_path / "b").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="ocdbt") as torn:
        tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "ocdbt", "base": f"file://{tmp_path}/b/"}}, open=True
        ).result()
    assert from_storage(torn.value) is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ESTALE, "Stale file handle"),
        (errno.EIO, "Input/output error"),
        (errno.EMFILE, "Too many open files"),
        (errno.EACCES, "Permission denied"),
        (errno.ENOENT, None),
    ],
)
def test_the_systems_errors_wherever_they_are_in_the_chain(number, said):
    assert from_storage(OSError(number, "no")) == said
    with pytest.raises(ValueError, match="a checkpoint") as caught:
        raise_after(OSError(number, "no"))
    assert from_storage(caught.value) == said
    assert from_storage(ExceptionGroup("several", [KeyError("a"), OSError(number, "no")])) == said


def raise_after(error):
    try:
        raise error
    except OSError:
        raise ValueError("a checkpoint") from None


def test_xlas_errors():
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jnp.zeros(2**60, jnp.int8).block_until_ready()
    assert from_devices(caught.value)
    assert from_storage(caught.value) is None
    assert not from_devices(OSError(errno.EIO, "no"))
