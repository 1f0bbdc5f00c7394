"""What a preparation said and what it left on the disk."""

from pathlib import Path

from simam_jax.data.progress import Progress


class Said(Progress):
    """Keeps what it is told."""

    def __init__(self):
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


def files_below(folder: Path) -> dict[str, bytes]:
    """Contents by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def nothing_left(out: Path) -> bool:
    """Whether neither `out` nor anything beside it is there."""
    return not out.exists() and not (out.parent.exists() and list(out.parent.iterdir()))
