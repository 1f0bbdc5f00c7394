"""Grad-CAM: which places of a feature map speak for a class."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from simam_jax.explain.interception import Call, apply_observed


class Slopes(NamedTuple):
    """Of each image the logit of one class, and how it depends on feature maps.

    Attributes:
        logits: all of them, float32.
        labels: the classes asked about.
        features: A of each layer, in its own dtype.
        gradients: ∂(the class's logit) / ∂A, likewise.
    """

    logits: Float[Array, "B classes"]
    labels: Int[Array, "B"]
    features: dict[str, Float[Array, "B h w C"]]
    gradients: dict[str, Float[Array, "B h w C"]]


class GradCam(NamedTuple):
    """Grad-CAM of each image for one class.

    Attributes:
        logits: all of them, float32.
        labels: the classes asked about.
        maps: of each layer, float32, at the layer's own resolution, not negative and not normalised.
    """

    logits: Float[Array, "B classes"]
    labels: Int[Array, "B"]
    maps: dict[str, Float[Array, "B h w"]]


def grad_cam(
    model: nn.Module,
    variables: Mapping[str, Any],
    images: Float[Array, "B H W 3"],
    layers: Sequence[str],
    labels: Int[Array, "B"] | None = None,
) -> GradCam:
    """ReLU(Σ_c α_c A_c), where α_c is the mean over positions of ∂(logit) / ∂A_c (Selvaraju et al., ICCV 2017,
    https://arxiv.org/abs/1610.02391, eq. 1 and 2).

    Args:
        model, variables, images: as `apply_observed` takes them.
        layers: names of feature maps, of `feature_maps`.
        labels: of each image the class to explain; a negative one, and None for all, is the class that the network
            answers.

    Raises:
        KeyError: there is no such feature map.
    """
    slopes = logit_slopes(model, variables, images, layers, labels)
    maps = {}
    for layer in layers:
        features, gradients = (each[layer].astype(jnp.float32) for each in (slopes.features, slopes.gradients))
        weights = gradients.mean((-3, -2), keepdims=True)
        maps[layer] = nn.relu((weights * features).sum(-1))
    return GradCam(slopes.logits, slopes.labels, maps)


def logit_slopes(
    model: nn.Module,
    variables: Mapping[str, Any],
    images: Float[Array, "B H W 3"],
    layers: Sequence[str],
    labels: Int[Array, "B"] | None = None,
) -> Slopes:
    """The derivatives that Grad-CAM is made of; arguments as there.

    A zero is added to what each layer gives, and the logit differentiated with respect to that zero. In evaluation mode
    no image depends on another, so one backward pass serves the batch.
    """

    def run(added: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
        features: dict[str, Array] = {}

        def observe(call: Call, output: Array) -> Array:
            if call.name not in layers:
                return output
            features[call.name] = output
            return output + added[call.name] if added else output

        return apply_observed(model, variables, images, observe), features

    _, shapes = jax.eval_shape(run, {})
    zeros = {layer: jnp.zeros(shapes[layer].shape, shapes[layer].dtype) for layer in layers}
    logits, pull_back, features = jax.vjp(run, zeros, has_aux=True)
    answers = logits.argmax(-1)
    labels = answers if labels is None else jnp.where(labels < 0, answers, labels)
    (gradients,) = pull_back(jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype))
    return Slopes(logits, labels, features, gradients)
