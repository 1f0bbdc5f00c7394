"""The page of a study."""

from collections.abc import Sequence
from pathlib import Path

from simam_jax.reporting.page.data_folder import DataFolder, find_data
from simam_jax.reporting.page.document import Document
from simam_jax.reporting.page.facts import facts
from simam_jax.reporting.page.numbers import several
from simam_jax.reporting.page.run_files import RunFiles
from simam_jax.reporting.page.sections.calibration import calibration_section
from simam_jax.reporting.page.sections.classes import class_differences
from simam_jax.reporting.page.sections.confusion import confusion_section
from simam_jax.reporting.page.sections.curves import study_curves
from simam_jax.reporting.page.sections.data import data_section
from simam_jax.reporting.page.sections.explanations import explanations_section
from simam_jax.reporting.page.sections.mistakes import mistakes_section
from simam_jax.reporting.page.sections.robustness import robustness_section
from simam_jax.reporting.page.sections.scores import scores_section
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.sections.verdict import verdict_section
from simam_jax.reporting.page.study_files import StudyFiles
from simam_jax.reporting.page.variant import Variant, by_network


def study_page(study: StudyFiles) -> Document:
    """What the page of a study says; what its folder lacks is left out, or said to be missing."""
    variants = study.variants
    runs = [run for variant in variants for run in variant.runs]
    data = _data(study, runs)
    sections = [
        verdict_section(variants, selection=study.selection),
        study_curves(variants),
        scores_section(variants, chosen_on=study.selection, chosen=study.chosen, lacking=study.lacking),
        robustness_section(variants),
        calibration_section(variants),
        class_differences(variants),
        confusion_section(variants),
        mistakes_section(variants, data),
        explanations_section(study.path, variants),
        _data_section(study, data, runs),
        Section("method", "How to read this", "method.html", {"chosen_on": study.selection}),
    ]
    return Document(
        f"{_listed(list(by_network(variants)))}: does the attention help?",
        _lead(study, variants),
        facts(runs[0]) if runs else [],
        [section for section in sections if section],
    )


def _lead(study: StudyFiles, variants: Sequence[Variant]) -> str:
    attentions = _listed([each for each in dict.fromkeys(v.attention for v in variants) if each != "none"])
    where = Path(str(study.data.get("dir") or "")).name
    trained = [run.config.get("epochs") for variant in variants for run in variant.runs]
    epochs = study.asked.get("epochs") or next(iter(trained), None)
    return (
        f"{_listed(list(by_network(variants)))} with {attentions or 'no attention'} and without"
        + (f" on {where}" if where else "")
        + f", {_seeds(variants)}"
        + (f", {several(epochs, 'epoch')}" if isinstance(epochs, int) else "")
        + "."
    )


def _seeds(variants: Sequence[Variant]) -> str:
    asked = several(max((len(variant.trials) for variant in variants), default=0), "seed")
    done = sorted({len(variant.done) for variant in variants})
    if all(len(variant.done) == len(variant.trials) for variant in variants):
        return f"{asked} each"
    return f"{' to '.join(map(str, dict.fromkeys((done[0], done[-1]))))} of {asked} done"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[:-1] else "") + names[-1] if names else ""


def _data(study: StudyFiles, runs: Sequence[RunFiles]) -> DataFolder | None:
    fingerprint = runs[0].facts.get("fingerprint", "") if runs else ""
    near = [study.path.resolve(), *study.path.resolve().parents]
    addresses = [str(study.data.get("dir") or ""), *(run.config.get("data", {}).get("dir", "") for run in runs[:1])]
    found = (find_data(address, fingerprint, near=near) for address in addresses)
    return next((each for each in found if each), None)


def _data_section(study: StudyFiles, data: DataFolder | None, runs: Sequence[RunFiles]) -> Section | None:
    classes = study.data.get("classes") or (runs[0].classes if runs else [])
    counts = study.data.get("counts") or (data.counts if data else {})
    told = str(study.data.get("preview") or "")
    candidates = [Path(told), study.path / told] if told else []
    candidates += [data.preview] if data else []
    preview = next((each for each in candidates if each.is_file()), None)
    return data_section(Path(str(study.data.get("dir") or "the data")).name, classes, counts, preview)
