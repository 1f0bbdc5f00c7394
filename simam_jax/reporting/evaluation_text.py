"""An evaluation as a person reads it on a terminal."""

from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.text_table import align

# A wider confusion table breaks its lines on a terminal of 100 columns.
MOST_CLASSES = 20


def describe_metrics(evaluation: Evaluation) -> str:
    """The metrics, a line each."""
    rows = [("images", str(evaluation.count))]
    rows += [(name.replace("_", " "), f"{value:.4f}") for name, value in evaluation.metrics.items()]
    return align(rows)


def describe_classes(evaluation: Evaluation) -> str:
    """A line a class: images, those recognised, recall, precision and F1; "-" where there is nothing to divide by."""
    rows = [("class", "images", "correct", "recall", "precision", "f1")]
    rows += [
        (s.name, str(s.images), str(s.correct), _fraction(s.recall), _fraction(s.precision), _fraction(s.f1))
        for s in evaluation.scores
    ]
    return align(rows)


def describe_confusion(evaluation: Evaluation) -> str:
    """The confusion matrix, classes numbered, zeros as dots; of more than 20 classes only where it is."""
    classes = len(evaluation.classes)
    if classes > MOST_CLASSES:
        return f"the confusion matrix of {classes} classes is in confusion.csv"
    rows = [("truth \\ prediction", "", *map(str, range(classes)))]
    rows += [
        (name, str(label), *(str(n) if n else "." for n in evaluation.confusion[label].tolist()))
        for label, name in enumerate(evaluation.classes)
    ]
    return align(rows)


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
