"""The page of a run."""

from simam_jax.reporting.page.data_folder import find_data
from simam_jax.reporting.page.document import Document
from simam_jax.reporting.page.facts import facts
from simam_jax.reporting.page.numbers import several
from simam_jax.reporting.page.run_files import RunFiles
from simam_jax.reporting.page.sections.calibration import calibration_section
from simam_jax.reporting.page.sections.classes import class_table
from simam_jax.reporting.page.sections.confusion import confusion_section
from simam_jax.reporting.page.sections.curves import run_curves
from simam_jax.reporting.page.sections.data import data_section
from simam_jax.reporting.page.sections.figures import figures_section
from simam_jax.reporting.page.sections.mistakes import mistakes_section
from simam_jax.reporting.page.sections.section import of
from simam_jax.reporting.page.single_run import as_variant, scores_on_eval


def run_page(run: RunFiles) -> Document:
    """What the page of a run says; what its folder lacks is left out, or said to be missing."""
    variant = as_variant(run)
    address = run.config.get("data", {}).get("dir", "")
    near = [run.path.resolve(), *run.path.resolve().parents]
    data = find_data(address, run.facts.get("fingerprint", ""), near=near)
    preview = data.preview if data and data.preview.is_file() else None
    sections = [
        figures_section(variant, split=run.selection, on_eval=scores_on_eval(run), evaluated=bool(variant.answers)),
        run_curves(run),
        class_table(variant),
        confusion_section([variant]),
        calibration_section([variant]),
        mistakes_section([variant], data),
        data_section(address, run.classes, data.counts if data else {}, preview),
    ]
    seed = run.config.get("seed", 0)
    classes = several(len(run.classes), "class", "classes")
    lead = f"One run with seed {seed}, {classes}. One seed proves nothing about others."
    return Document(
        of(variant.attention, variant.network), lead, facts(run), [section for section in sections if section]
    )
