"""Fills a folder with a data set's images as shards, one image after another, and goes on where it was interrupted."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from simam_jax.data.ahead import work_ahead
from simam_jax.data.content import Content, classes_of, content_of, training_images
from simam_jax.data.intake import Examined, Outcome, examine
from simam_jax.data.names import write_names
from simam_jax.data.preview import draw_preview
from simam_jax.data.progress import Progress
from simam_jax.data.shard_examples import open_records
from simam_jax.data.shard_journal import Journal, Shard
from simam_jax.data.shard_writing import write_shard
from simam_jax.data.split import SPLITS, Placement
from simam_jax.data.tfds_shards import Shards, record_features, serialiser, write_set


def fill_shards(
    folder: Path, placements: Sequence[Placement], progress: Progress, *, shards: Path, name: str, strict: bool
) -> Content:
    """Writes every good image to shards of a TFDS set below `folder`, which is empty, and draws `preview.png`.

    The records are in the order of the folder that `fill` makes: split, class, name.

    Args:
      folder: where to.
      placements: all images.
      progress: is told how far the work is and which images are left out.
      shards: a folder on the same file system where finished shards gather. Those that are there already are taken as
        they are: their images are not read again.
      name: the TFDS name of the set.
      strict: takes none that left an image out, nor those behind it: the image may have been mended since.

    Raises:
      UsageError: as `fill`, or a class name that TFDS cannot keep.
      OSError: the folder cannot be written.
    """
    classes = classes_of(placements)
    features = record_features(classes)
    serialise = serialiser(features)
    order = sorted(range(len(placements)), key=lambda place: _as_in_a_folder(placements[place]))
    ordered = [placements[place] for place in order]
    journal = Journal(shards, _listing(ordered))
    if journal.outdated:
        progress.say("the source has other images than when this was begun: beginning anew")
    finished = journal.finished(strict=strict)
    done = sum(len(shard.digests) for shard in finished)
    if done:
        progress.say(f"going on: {done:,} of {len(ordered):,} images are done")
    train = sum(placement.split == "train" for placement in ordered)  # which come first
    with closing(work_ahead(examine, islice(ordered, done, None))) as stream:  # closed, so that no thread works on
        images = _reported(stream, done, len(ordered), progress)
        while done < len(ordered):
            left = (train if done < train else len(ordered)) - done  # of the split
            shard = write_shard(journal.path(len(finished)), ordered[done].split, islice(images, left), serialise)
            journal.add(len(finished), shard)
            finished.append(shard)
            done += len(shard.digests)

    outcomes = list(_outcomes(finished, ordered))
    as_placed = [outcomes[place] for place in np.argsort(order)]
    histogram = np.zeros((3, 256), np.int64)
    for shard in finished:
        histogram += np.array(shard.histogram) * (shard.split == "train")
    content = content_of(classes, as_placed, histogram)
    write_set(folder, name, features, {split: _shards_of(split, finished, journal) for split in SPLITS})
    write_names(folder, (outcome.placement for outcome in outcomes if not outcome.reason))
    _draw(folder, outcomes, as_placed, content["fingerprint"])
    return content


def _as_in_a_folder(placement: Placement) -> tuple[int, str, str]:
    return SPLITS.index(placement.split), placement.original.class_name, placement.name


def _listing(ordered: Sequence[Placement]) -> str:
    """Identifies the images that are to be prepared, by their names."""
    digest = hashlib.sha256()
    for placement in ordered:
        digest.update(json.dumps([placement.path, placement.original.path]).encode())
    return digest.hexdigest()


def _reported(stream: Iterable[Examined], done: int, total: int, progress: Progress) -> Iterator[Examined]:
    """Passes images on, and tells `progress` of them."""
    for place, examined in enumerate(stream, start=done + 1):
        if examined.outcome.reason:
            progress.say(f"left out {examined.outcome.placement.original.path}: {examined.outcome.reason}")
        progress.update("preparing images", place, total)
        yield examined


def _outcomes(shards: Sequence[Shard], ordered: Sequence[Placement]) -> Iterator[Outcome]:
    """What became of every image, in order."""
    places = iter(ordered)
    for shard in shards:
        reasons = iter(shard.reasons)
        for digest in shard.digests:
            yield Outcome(next(places), digest=digest, reason="" if digest else next(reasons))


def _shards_of(split: str, shards: Sequence[Shard], journal: Journal) -> Shards:
    chosen = [number for number, shard in enumerate(shards) if shard.split == split and shard.records]
    return Shards(
        files=[journal.path(number) for number in chosen],
        lengths=[shards[number].records for number in chosen],
        num_bytes=sum(shards[number].num_bytes for number in chosen),
    )


def _draw(folder: Path, outcomes: Sequence[Outcome], as_placed: Sequence[Outcome], seed: str) -> None:
    """Draws the same preview as `fill`, which chooses among the images as they were placed."""
    records = open_records(folder, "train")
    train = [one.placement for one in outcomes if not one.reason and one.placement.split == "train"]

    def read(placement: Placement) -> bytes:
        return records[next(place for place, other in enumerate(train) if other is placement)]["image"]

    draw_preview(training_images(as_placed), read=read, seed=seed).save(folder / "preview.png")
