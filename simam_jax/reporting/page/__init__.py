"""The page report.html, drawn from the files of a run or a study."""

from simam_jax.reporting.page.writing import write_page

__all__ = ["write_page"]
