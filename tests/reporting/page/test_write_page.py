"""The page of a study and of a run, as text."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from parsed_page import ParsedPage
from simulated_files import CLASSES, make_images, simulate, write_explanation, write_run, write_study

from simam_jax.errors import StorageError, UsageError
from simam_jax.reporting.page import write_page
from simam_jax.reporting.page.sections.classes import class_differences
from simam_jax.reporting.page.study_files import read_study

STUDY = [
    "The answer",
    "Learning curves",
    "Results",
    "Robustness",
    "Calibration",
    "Class by class",
    "What is taken for what",
    "The most confident mistakes",
    "What it looks at",
    "The data",
    "How to read this",
]
RUN = [
    "How well it does",
    "Learning curves",
    "Class by class",
    "What is taken for what",
    "Calibration",
    "The most confident mistakes",
    "The data",
]
NOT_DONE = "Not every trial is there, and what is left may mislead"


def page_of(folder: Path) -> ParsedPage:
    return ParsedPage.of((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def copy(study, tmp_path) -> Path:
    return Path(shutil.copytree(study, tmp_path / "copy"))


def test_sections(study, run):
    assert page_of(study).headings() == STUDY
    assert page_of(run).headings() == RUN


@pytest.mark.parametrize("which", ["study", "run"])
def test_it_is_whole_in_itself_and_says_in_words_what_it_shows(which, request):
    page = page_of(request.getfixturevalue(which))
    assert not page.repeated_ids()
    pictures = page.named("img")
    assert pictures
    assert all(each.attributes["alt"] for each in pictures)
    drawings = [each for each in page.named("svg") if "aria-hidden" not in each.attributes]
    assert drawings
    assert all(each.attributes["role"] == "img" and each.attributes["aria-label"] for each in drawings)
    targets = [each.attributes.get(name, "") for each in page.elements for name in ("src", "href")]
    assert all(each.startswith(("data:", "#")) for each in targets if each)
    anchors = {each.attributes.get("id") for each in page.elements}
    assert {each.attributes["href"][1:] for each in page.named("a")} <= anchors
    assert all(each.attributes["scope"] for each in page.named("th"))


def test_names_are_escaped(study):
    page = page_of(study)
    assert not page.named("b")
    assert {each.text for each in page.named("th")} >= set(CLASSES)


def test_the_verdict_and_its_p_are_those_of_the_statistics(study):
    page = page_of(study)
    (answer,) = [each.text for each in page.named("p") if each.attributes.get("class") == "answer"]
    assert answer == (
        "Of 2 networks with an attention, 1 is more accurate than without; for 1 there is no evidence of a difference."
    )
    results = json.loads((study / "results.json").read_text())
    verdict = results["variants"][1]["comparison"]["last"]["accuracy"]["verdict"]["text"]
    (said,) = [each.text for each in page.named("li") if each.text.startswith("last epoch") and verdict in each.text]
    assert "0.0078 the smallest possible" in said
    columns = [each.text for each in page.named("th")]
    assert {"smallest possible p", "p, not corrected", "measured on"} <= set(columns)
    assert columns.index("last epoch") < columns.index("best epoch")
    cells = [each.text for each in page.named("td")]
    assert cells.count("NVIDIA H100") == 3
    assert cells.count("900") == 3  # MiB
    (note,) = [each.text for each in page.named("p") if "Multiply-adds" in each.text]
    assert "what SimAM itself computes is not among them" in note
    assert note.endswith("the most that the device's allocator counted, beyond what was taken before.")


@pytest.mark.parametrize(("selection", "which", "other"), [("eval", "last", "best"), ("val", "best", "last")])
def test_the_answer_is_taken_from_the_epoch_that_nobody_chose_on_eval(copy, selection, which, other):
    results = json.loads((copy / "results.json").read_text()) | {"selection": selection}
    for row in results["variants"][1:]:
        row["comparison"][which]["accuracy"]["verdict"]["outcome"] = "worse"
        assert row["comparison"][other]["accuracy"]["verdict"]["outcome"] != "worse"
    (copy / "results.json").write_text(json.dumps(results))
    write_page(copy)
    page = page_of(copy)
    (answer,) = [each.text for each in page.named("p") if each.attributes.get("class") == "answer"]
    assert answer == "Of 2 networks with an attention, 2 are less accurate."
    outcomes = [each.text for each in page.named("p") if "outcome" in each.attributes.get("class", "")]
    assert outcomes == [f"▼ worse in accuracy at the {which} epoch"] * 2
    said = " ".join(each.text for each in page.named("p"))
    assert f"said of accuracy at the {which} epoch" in said
    assert f"recognised at the {which} epoch" in said
    assert "variants alike" not in said


def test_what_is_lacking_is_said(copy):
    results = json.loads((copy / "results.json").read_text())
    results["lacking"] = [{"network": "towernet", "attention": "none", "what": "costs"}]
    (copy / "results.json").write_text(json.dumps(results))
    write_page(copy)
    warnings = [each.text for each in page_of(copy).named("p") if each.attributes.get("class") == "warning"]
    assert warnings == ["Lacking, which changes nothing of the rest: costs of towernet without attention."]


def test_pictures_name_the_class_and_stand_beside_the_image(study):
    page = page_of(study)
    alts = [each.attributes["alt"] for each in page.named("img")]
    bold = CLASSES[0]
    cams = [alt for alt in alts if alt.startswith("Grad-CAM")]
    assert cams == [
        f"Grad-CAM of x.png for class {bold}, network with {name}, layer stage4" for name in ("none", "simam")
    ]
    assert alts[alts.index(cams[0]) - 1] == "The image x.png"
    assert f"Grad-CAM for class {bold}" in [each.text for each in page.named("h5")]


def test_maps_stand_in_the_networks_order_and_a_deep_network_shows_the_last_of_each_stage(copy):
    layers = {f"block{number}/attention": side for number, side in enumerate([8] * 2 + [4] * 9 + [2])}
    shutil.rmtree(copy / "explanations" / "towernet-simam")
    write_explanation(copy / "explanations" / "towernet-simam" / "an_image", simam=layers)
    write_page(copy)
    page = page_of(copy)
    gates = [
        each.attributes["alt"].rpartition(" ")[2] for each in page.named("img") if "gate" in each.attributes["alt"]
    ]
    numbers = [int(re.sub(r"\D", "", each)) for each in gates]
    assert numbers == [1, 10, 11, 0, *range(2, 10)]
    assert [each.text for each in page.named("summary") if "maps" in each.text] == [
        f"The other 9 maps: SimAM {kind}, simam" for kind in ("gate", "1/e*")
    ]


@pytest.mark.parametrize(
    ("effect", "seeds", "said"),
    [
        (2.0, 8, "Yes, on these images"),
        (-2.0, 8, "No: towernet with simam is less accurate"),
        (0.0, 8, "No evidence that it does"),
        (2.0, 3, "Too few seeds to say"),
    ],
)
def test_one_attention_is_answered_in_a_sentence(effect, seeds, said, data, tmp_path):
    images = make_images(np.random.default_rng(3))
    write_study(tmp_path / "s", images, data=data, effects={"simam": effect}, seeds=seeds)
    write_page(tmp_path / "s")
    (answer,) = [each.text for each in page_of(tmp_path / "s").named("p") if each.attributes.get("class") == "answer"]
    assert answer.startswith(said)


def test_what_is_missing_is_left_out_or_said(copy):
    shutil.rmtree(copy / "explanations")
    for path in (copy / "trials").iterdir():
        shutil.rmtree(path / "eval")
    results = json.loads((copy / "results.json").read_text())
    results["data"] = {}
    for row in results["variants"]:
        for trial in row["trials"]:
            trial["robustness"] = None
    results["variants"][1]["trials"][7] |= {"state": "diverged", "best": None, "last": None}
    (copy / "results.json").write_text(json.dumps(results))
    write_page(copy)
    page = page_of(copy)
    assert page.headings() == ["The answer", "Learning curves", "Results", "The data", "How to read this"]
    warnings = [each.text for each in page.named("p") if each.attributes.get("class") == "warning"]
    assert warnings == [
        "Not every trial is there, and what is left may mislead: towernet with simam: diverged: seed 7."
    ]


def test_a_study_that_is_not_finished_says_so_before_all_else(copy):
    results = json.loads((copy / "results.json").read_text())
    for row, done in zip(results["variants"], (2, 3, 3), strict=True):
        for trial in row["trials"][done:]:
            trial |= {"state": "missing", "best": None, "last": None, "robustness": None}
    (copy / "results.json").write_text(json.dumps(results))
    write_page(copy)
    paragraphs = [(each.attributes.get("class"), each.text) for each in page_of(copy).named("p")]
    (lead,) = [text for kind, text in paragraphs if kind == "lead"]
    assert lead.endswith(", 2 to 3 of 8 seeds done, 6 epochs.")
    place = next(place for place, (kind, _) in enumerate(paragraphs) if kind == "answer")
    assert paragraphs[place][1].startswith("So far: of 2 networks with an attention, ")
    assert paragraphs[place + 1] == (
        "warning",
        f"{NOT_DONE}: towernet without attention: missing: seed 2, 3, 4, 5, 6, 7; "
        "towernet with simam: missing: seed 3, 4, 5, 6, 7; towernet with se:reduction=8: missing: seed 3, 4, 5, 6, 7.",
    )


def test_what_is_called_the_attentions_effect_is_of_pairs(copy):
    results = json.loads((copy / "results.json").read_text())
    none, simam, _ = results["variants"]
    for trial in none["trials"][6:]:
        trial |= {"state": "missing", "best": None, "last": None, "robustness": None}
    simam["comparison"]["last"]["seeds"] = list(range(6))
    (copy / "results.json").write_text(json.dumps(results))
    write_page(copy)
    cells = [each.text for each in page_of(copy).named("td")]
    assert cells.count("8, 6 paired") == 1
    variants = read_study(copy).variants
    section = class_differences(variants)
    assert section is not None
    for row in section.values["charts"][0].numbers.rows:
        for cell, variant in zip(row[2:4], variants[:2], strict=True):
            recalls = [
                score.recall for each in variant.answers[:6] for score in each.scores if score.name == row[0].text
            ]
            assert cell.key == pytest.approx(np.mean(recalls))


def test_a_study_that_is_finished_says_how_many_seeds(study):
    (lead,) = [each.text for each in page_of(study).named("p") if each.attributes.get("class") == "lead"]
    assert ", 8 seeds each, 6 epochs." in lead
    assert "stops there, or adds seeds until p is small" in (study / "report.html").read_text(encoding="utf-8")


def test_trials_that_are_gone(copy):
    shutil.rmtree(copy / "trials")
    write_page(copy)
    assert page_of(copy).headings() == [
        "The answer",
        "Results",
        "Robustness",
        "What it looks at",
        "The data",
        STUDY[-1],
    ]


def test_data_that_is_gone_is_said(study, tmp_path, data):
    images = make_images(np.random.default_rng(0))
    write_run(tmp_path / "run", simulate(np.random.default_rng(1), images, 0), data=Path("gone"))
    write_page(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert not page.named("img")
    assert "The folder of the images is not where the run says" in "".join(each.text for each in page.named("p"))


def test_a_run_that_has_not_been_evaluated(run, tmp_path):
    folder = Path(shutil.copytree(run, tmp_path / "copy"))
    shutil.rmtree(folder / "eval")
    write_page(folder)
    page = page_of(folder)
    assert page.headings()[:2] == RUN[:2]
    assert "python -m simam_jax.evaluate" in "".join(each.text for each in page.named("code"))


def test_a_run_that_has_just_begun(run, tmp_path):
    folder = Path(shutil.copytree(run, tmp_path / "copy"))
    shutil.rmtree(folder / "eval")
    (folder / "metrics.jsonl").write_text("")
    write_page(folder)
    assert "has not come to the end of an epoch" in (folder / "report.html").read_text()


def test_a_run_with_validation_says_so(tmp_path, data):
    images = make_images(np.random.default_rng(0))
    answers = simulate(np.random.default_rng(1), images, 0)
    write_run(tmp_path / "run", answers, data=data, val_fraction=0.1)
    write_page(tmp_path / "run")
    text = (tmp_path / "run" / "report.html").read_text()
    assert "The best epoch is chosen on val" in text
    assert "Scores on val" in text
    assert "Scores on eval" in text


def test_many_classes_have_no_matrix(tmp_path, data):
    images = make_images(np.random.default_rng(0), [f"class {n:03}" for n in range(70)], each=2)
    write_run(tmp_path / "run", simulate(np.random.default_rng(1), images, 0), data=data)
    write_page(tmp_path / "run")
    page = page_of(tmp_path / "run")
    assert not [each for each in page.named("table") if each.attributes.get("class") == "matrix"]
    assert "too large to be read" in "".join(each.text for each in page.named("p"))


def test_names_that_are_no_utf8(tmp_path, data):
    images = make_images(np.random.default_rng(0))
    names = ["plain/\udcff.png", *images.names[1:]]
    answers = simulate(np.random.default_rng(1), images, -9.0)
    write_run(tmp_path / "run", type(answers)(**{**vars(answers), "names": names}), data=data)
    write_page(tmp_path / "run")
    page_of(tmp_path / "run")


def test_the_same_folder_gives_the_same_page(copy):
    first = (copy / "report.html").read_bytes()
    assert write_page(copy) == copy / "report.html"
    assert (copy / "report.html").read_bytes() == first
    assert not [path.name for path in copy.iterdir() if path.name.startswith(".report")]


def test_neither_a_run_nor_a_study(tmp_path):
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UsageError, match="neither a run nor a study"):
            write_page(folder)


def test_a_page_that_cannot_be_written(copy):
    (copy / "report.html").unlink()
    (copy / "report.html").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        write_page(copy)
    assert not [path.name for path in copy.iterdir() if path.name.startswith(".report")]
