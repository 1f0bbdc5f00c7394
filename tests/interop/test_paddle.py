import numpy as np
import pytest

from simam_jax.interop import from_paddle


def test_differences_are_listed():
    with pytest.raises(ValueError, match=r"missing array b1\.0\.0\.weight.*unused array extra"):
        from_paddle("towernet", {"b6.bias": np.zeros(3), "extra": np.zeros(1)})


def test_a_wrong_shape_is_named(golden):
    with np.load(golden / "towernet_paddle.npz") as arrays:
        weights = {key[5:]: arrays[key] for key in arrays.files if key.startswith("init/")}
    weights["b2.0.0.weight"] = weights["b2.0.0.weight"][:, :3]
    with pytest.raises(ValueError, match=r"b2.0.0.weight \(128, 3, 3, 3\) does not fit params/stage2/conv/kernel"):
        from_paddle("towernet", weights)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="no Paddle weights are known for 'lenet': it is one of towernet"):
        from_paddle("lenet", {})
