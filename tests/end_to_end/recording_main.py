"""`simam_jax.main` as a program that also notes the training batches that its process takes.

    RECORD=FILE python recording_main.py PYTHON -m simam_jax.main --config …

adds a line of JSON to FILE for every batch: {"index": places in the stream, "digest": of each image and its label}.
"""

import hashlib
import json
import os
import sys


def note(batch):
    rows = zip(batch["image"], batch["label"], strict=True)
    digests = [hashlib.sha256(image.tobytes() + label.tobytes()).hexdigest() for image, label in rows]
    with open(os.environ["RECORD"], "a") as file:
        print(json.dumps({"index": batch["index"].tolist(), "digest": digests}), file=file)
    return batch


def run() -> int:
    # Not above: a process that decodes imports this file again.
    from simam_jax import command, main
    from simam_jax.training import experiment

    train_batches = experiment.train_batches
    experiment.train_batches = lambda *args, **options: train_batches(*args, **options).map(note)
    return command.run(main.main, sys.argv[4:])


if __name__ == "__main__":
    sys.exit(run())
