"""PyTorch's DataLoader with Pillow, on class folders. Needs torch, numpy and Pillow."""

import json
from pathlib import Path

import numpy as np
import torch
import wire
from torch.utils.data import DataLoader, Dataset, Sampler


class Images(Dataset):
    """Files, opened by Pillow and squeezed into a square, as uint8 (S, S, 3) and label."""

    def __init__(self, listing, size):
        self.root, self.files, self.labels, self.size = listing["root"], listing["files"], listing["labels"], size

    def __len__(self):
        return len(self.files)

    def __getitem__(self, place):
        from PIL import Image

        with Image.open(Path(self.root) / self.files[place]) as image:
            pixels = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(pixels)), self.labels[place]


class Endless(Sampler):
    """Every place once a pass, in an order of the pass's own, without an end."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        while True:
            yield from torch.randperm(self.count).tolist()


def decode_job(spec):
    """Batches drawn one after the other; see `simam_jax/benchmarking/jobs/input.py`."""
    import PIL  # noqa: F401 - fails here rather than in a worker

    images = Images(json.loads(Path(spec["list"]).read_text()), spec["image_size"])
    loader = DataLoader(
        images, spec["batch"], sampler=Endless(len(images)), num_workers=spec["workers"], prefetch_factor=4
    )
    batches = iter(loader)

    return wire.drawing(batches, spec), {}
