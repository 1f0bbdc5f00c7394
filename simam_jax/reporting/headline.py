"""Which epoch a study's answer is taken from."""

EPOCHS = {"best": "best epoch", "last": "last epoch"}
"""The epochs that results have, and what they are called."""


def headline_epoch(selection: str) -> str:
    """ "best" where it was chosen on val, so that eval had no say in it; else "last", which nobody chose.

    The best of many epochs is above their middle by as much as the accuracy jumps from epoch to epoch. Where it is
    chosen on eval itself, a variant that jumps more looks better there without being so.

    Args:
        selection: the split on which the best epoch was chosen, "val" or "eval".
    """
    return "best" if selection == "val" else "last"


def in_order(selection: str) -> dict[str, str]:
    """`EPOCHS`, the one of the answer first."""
    first = headline_epoch(selection)
    return {first: EPOCHS[first]} | EPOCHS
