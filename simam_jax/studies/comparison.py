"""The result of comparing a variant with its baseline, which tables and pages are drawn from."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from simam_jax.reporting.calibration import Reliability
from simam_jax.studies.mcnemar import Discordance
from simam_jax.studies.pairing import Interval, Paired
from simam_jax.studies.significance import Significance
from simam_jax.studies.verdict import Verdict


@dataclass(frozen=True)
class Difference:
    """A score, compared.

    Attributes:
        paired: of each trial, with mean, standard deviation, mean difference and its interval over seeds.
        over_seeds_and_images: bootstrap interval of the mean difference; None below 6 seeds, and of the calibration
            error, which grows where images are drawn with replacement.
        significance: of the difference, corrected over all variants that the study asks for, for this score.
        verdict: the same in words.
    """

    paired: Paired
    over_seeds_and_images: Interval | None
    significance: Significance
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """A variant against its baseline, over the seeds that both have.

    Attributes:
        network, attention, baseline: what is compared; attention and baseline are specs.
        seeds: those compared, in ascending order, as are the scores of each trial.
        unpaired: those that only one of the two has. Where trials failed, what is left may mislead.
        images: how many.
        accuracy, balanced_accuracy: fractions; higher is better.
        calibration_error: lower is better; None without confidences.
        calibration: the variant's reliability diagram, its seeds together; empty without confidences.
        baseline_calibration: the baseline's.
        mcnemar: of each seed; empty where answers are fractions.
    """

    network: str
    attention: str
    baseline: str
    seeds: tuple[int, ...]
    unpaired: tuple[int, ...]
    images: int
    accuracy: Difference
    balanced_accuracy: Difference
    calibration_error: Difference | None
    calibration: tuple[Reliability, ...]
    baseline_calibration: tuple[Reliability, ...]
    mcnemar: tuple[Discordance, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything by name, for `json.dump`: no number is infinite or NaN, and fractions are not percent."""
        return dataclasses.asdict(self)
