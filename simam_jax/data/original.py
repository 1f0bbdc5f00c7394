"""One image as its source has it, before it is split, checked and copied."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Original:
    """An image of a source.

    Attributes:
      class_name: the class it shows, which becomes its folder's name.
      name: its file name in the source, unique within its class and split.
      read: gives the file's bytes.
      split: "train" or "eval" where the source itself says so, None where the seed's rule decides.
    """

    class_name: str
    name: str
    read: Callable[[], bytes]
    split: str | None = None

    @property
    def path(self) -> str:
        """How messages and the manifest name it: CLASS/FILE, below TRAIN or EVAL where the source is split."""
        return "/".join(part for part in (self.split, self.class_name, self.name) if part)
