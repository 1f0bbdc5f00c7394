"""The types of what is handed down to a block: functions that make a fresh module where it is used."""

from collections.abc import Callable

from flax import linen as nn
from jaxtyping import Array

ModuleFactory = Callable[..., nn.Module]
"""Makes a module; takes at least `name=`."""

Activation = Callable[[Array], Array]
