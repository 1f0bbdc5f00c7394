"""What is known of the shards that are finished, so that an interrupted preparation goes on behind them."""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from simam_jax.whole_file import whole_file

_LISTING = "listing"


@dataclasses.dataclass(frozen=True)
class Shard:
    """A shard, and what became of the images that it was made from.

    Attributes:
      split: "train" or "eval".
      digests: of each image in order, sha256 of its bytes; empty where it was left out.
      reasons: why, for those that were left out, in order.
      histogram: of its pixels, (3, 256).
      records: how many images it holds; without any there is no file.
      num_bytes: their length, serialised.
      file_size: the file's length.
    """

    split: str
    digests: Sequence[str]
    reasons: Sequence[str]
    histogram: Sequence[Sequence[int]]
    records: int
    num_bytes: int
    file_size: int


class Journal:
    """A folder of shards, each with a note that appears when the shard is whole.

    Attributes:
      outdated: whether there were shards of other images.
    """

    def __init__(self, folder: Path, listing: str):
        """Opens the folder or makes it.

        Args:
          folder: where it lies.
          listing: identifies what is prepared; shards of anything else are removed.
        """
        self._folder = folder
        path = folder / _LISTING
        self.outdated = path.exists() and path.read_text(encoding="utf-8") != listing
        if self.outdated:
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        _write(path, listing)

    def path(self, number: int) -> Path:
        """Where shard `number` is written."""
        return self._folder / f"{number:05d}.array_record"

    def add(self, number: int, shard: Shard) -> None:
        """Notes that shard `number` is whole."""
        _write(self._note(number), json.dumps(dataclasses.asdict(shard)))

    def finished(self, *, strict: bool = False) -> list[Shard]:
        """The shards from the first on that are whole, and with `strict` left nothing out; what follows is removed."""
        shards = []
        kept = {_LISTING}
        while (shard := self._read(len(shards))) is not None and not (strict and shard.reasons):
            kept |= {self._note(len(shards)).name, self.path(len(shards)).name}
            shards.append(shard)
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()
        return shards

    def _read(self, number: int) -> Shard | None:
        try:
            shard = Shard(**json.loads(self._note(number).read_text(encoding="utf-8")))
            whole = not shard.records or self.path(number).stat().st_size == shard.file_size
        except (OSError, ValueError, TypeError):
            return None
        return shard if whole else None

    def _note(self, number: int) -> Path:
        return self._folder / f"{number:05d}.json"


def _write(path: Path, text: str) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
