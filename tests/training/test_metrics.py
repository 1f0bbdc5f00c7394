import jax
import jax.numpy as jnp
import numpy as np

from simam_jax.training.metrics import EvalMetrics, hits
from simam_jax.training.step import measure


def batch(seed: int, size: int = 12, classes: int = 7) -> tuple[jax.Array, dict[str, jax.Array]]:
    logits_key, label_key, mask_key = jax.random.split(jax.random.key(seed), 3)
    labels = jax.random.randint(label_key, (size,), 0, classes - 1)  # the last class is absent
    mask = jax.random.bernoulli(mask_key, 0.7, (size,)).astype(jnp.float32)
    return jax.random.normal(logits_key, (size, classes)), {"label": labels, "mask": mask}


def test_metrics_over_masked_batches_by_hand():
    batches = [batch(seed) for seed in range(3)]
    total = None
    for logits, data in batches:
        metrics = measure(logits, data)
        total = metrics if total is None else total.merge(metrics)
    found = {name: float(value) for name, value in total.compute().items()}

    counted = np.concatenate([data["mask"] for _, data in batches]) > 0
    logits = np.concatenate([logits for logits, _ in batches])[counted].astype(np.float64)
    labels = np.concatenate([data["label"] for _, data in batches])[counted]
    chosen = logits[np.arange(len(labels)), labels]
    right = logits.argmax(-1) == labels
    np.testing.assert_allclose(found["loss"], (np.log(np.exp(logits).sum(-1)) - chosen).mean(), rtol=1e-5)
    np.testing.assert_allclose(found["accuracy"], right.mean(), rtol=1e-6)
    np.testing.assert_allclose(found["top5"], ((logits > chosen[:, None]).sum(-1) < 5).mean(), rtol=1e-6)
    recalls = [right[labels == label].mean() for label in np.unique(labels)]
    np.testing.assert_allclose(found["balanced_accuracy"], np.mean(recalls), rtol=1e-6)


def test_top5_of_three_classes_is_top3():
    logits, labels = jnp.array([[3.0, 2.0, 1.0]]), jnp.array([2])
    assert bool(hits(logits, labels, top=5)[0])
    assert not bool(hits(logits, labels, top=2)[0])


def test_equal_scores_do_not_count_twice():
    logits = jnp.zeros((3, 3))
    np.testing.assert_array_equal(hits(logits, jnp.arange(3)), logits.argmax(-1) == jnp.arange(3))


def test_a_collection_starts_empty():
    logits, data = batch(0)
    once = measure(logits, data).compute()["loss"]
    # BalancedAccuracy has as many counts as there are classes, so only the scalar metrics have an empty value.
    assert float(EvalMetrics.__annotations__["loss"].empty().merge(measure(logits, data).loss).compute()) == float(once)


def test_scores_that_are_no_numbers_are_wrong():
    assert not bool(hits(jnp.full((1, 3), jnp.nan), jnp.array([0]))[0])
    assert not bool(hits(jnp.array([[1.0, jnp.nan, 0.0]]), jnp.array([0]))[0])
