"""tf.data as a contestant of the benchmark's input suite. Needs TensorFlow."""

import json
import sys
from pathlib import Path

import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent))
import wire


def decode_job(spec):
    """Batches drawn one after the other; see `simam_jax/benchmarking/jobs/input.py`."""
    listing = json.loads(Path(spec["list"]).read_text())
    paths = [str(Path(listing["root"]) / name) for name in listing["files"]]
    size = spec["image_size"]

    def load(path, label):
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.cast(tf.image.resize(image, (size, size)), tf.uint8), label

    options = tf.data.Options()
    options.threading.private_threadpool_size = spec["workers"]
    batches = iter(
        tf.data.Dataset.from_tensor_slices((paths, listing["labels"]))
        .shuffle(len(paths))
        .repeat()
        .map(load, num_parallel_calls=spec["workers"], deterministic=False)
        .batch(spec["batch"])
        .prefetch(2)
        .with_options(options)
    )

    return wire.drawing(batches, spec), {}


if __name__ == "__main__":
    wire.serve({"versions": {"tensorflow": tf.__version__}}, {"decode": decode_job})
