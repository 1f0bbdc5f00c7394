"""Studies with a known truth: whether an image is recognised, from what images, seeds and trials bring."""

from dataclasses import dataclass

import numpy as np

from simam_jax.studies.answers import Answers

CLASSES = 16


@dataclass(frozen=True)
class Truth:
    """Standard deviations on the scale of a latent strength; an image is recognised where that is above 0.

    Attributes:
        easiness: mean strength.
        image: of the images' easiness. With the easiness about 70 % are recognised.
        seed: of what a seed brings to all variants alike, as the same initial weights and order do.
        trial: of what one training run brings.
        image_in_trial: of what is particular to an image in a trial.
        image_in_variant: of what is particular to an image under a variant: with it, variants without a true
            difference over all images differ on those at hand.
    """

    easiness: float = 1.2
    image: float = 2.0
    seed: float = 0.15
    trial: float = 0.08
    image_in_trial: float = 1.0
    image_in_variant: float = 0.0


def simulate(
    rng: np.random.Generator,
    *,
    seeds: int,
    effects: tuple[float, ...],
    images: int = 362,
    truth: Truth = Truth(),
) -> tuple[list[Answers], np.ndarray]:
    """A baseline and a variant for each effect, which is added to its strength; and the images' labels.

    The classes are as unequal as those of Caltech-101, and some are easier than others.
    """
    shares = 1 / np.arange(1, CLASSES + 1)
    labels = rng.choice(CLASSES, images, p=shares / shares.sum())
    of_class = rng.normal(0, 0.5, CLASSES)
    of_image = truth.easiness + of_class[labels] + rng.normal(0, truth.image, images)
    of_seed = rng.normal(0, truth.seed, (seeds, 1))
    answers = []
    for place, effect in enumerate((0.0, *effects)):
        own = rng.normal(0, truth.image_in_variant, images) if place else 0.0
        of_trial = rng.normal(0, truth.trial, (seeds, 1))
        noise = rng.normal(0, truth.image_in_trial, (seeds, images))
        strength = of_image + own + of_seed + of_trial + noise + effect
        confidence = 1 / CLASSES + (1 - 1 / CLASSES) / (1 + np.exp(-np.abs(strength)))
        name = f"variant{place}" if place else "none"
        answers.append(Answers("net", name, tuple(range(seeds)), strength > 0, confidence))
    return answers, labels
