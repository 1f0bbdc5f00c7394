"""From a folder to its page."""

from pathlib import Path

from simam_jax.errors import UsageError
from simam_jax.reporting.page.document import render
from simam_jax.reporting.page.run_files import is_run, read_run
from simam_jax.reporting.page.run_page import run_page
from simam_jax.reporting.page.study_files import is_study, read_study
from simam_jax.reporting.page.study_page import study_page
from simam_jax.reporting.whole_files import write_whole

FILE_NAME = "report.html"


def write_page(folder: Path) -> Path:
    """Draws report.html from a run's or a study's folder, in place of an earlier one; it is whole or as it was.

    Args:
        folder: where the run or the study is, and the page goes.

    Returns:
        The page's path.

    Raises:
        UsageError: the folder holds neither, a study without results, or a damaged file.
        StorageError: the page cannot be written.
    """
    if is_study(folder):
        document = study_page(read_study(folder))
    elif is_run(folder):
        document = run_page(read_run(folder))
    else:
        raise UsageError(
            f"{folder} is neither a run nor a study: it has no config.json with a run.json, and no results.json"
        )
    # File names that are no UTF-8 get a question mark.
    content = render(document).encode("utf-8", errors="replace")
    write_whole(folder, {FILE_NAME: content})
    return folder / FILE_NAME
