"""What the tests of the statistics share."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _little_garbage() -> Iterator[None]:
    """Leaves little to look through for statsmodels, which collects garbage whenever it corrects p."""
    import statsmodels.stats.contingency_tables
    import statsmodels.stats.multitest  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
