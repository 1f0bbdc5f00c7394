"""results.md, as a person sees it."""

import json
import shutil
from pathlib import Path

import pytest
from finished_study import counted, finish_study
from markdown_it import MarkdownIt

from simam_jax.reporting.study_text import describe_study
from simam_jax.studies.costs import memory_of_step
from simam_jax.studies.results import assemble, costs_file
from simam_jax.studies.trials import Variant, list_trials, record_divergence


def text_of(folder: Path, **asked) -> str:
    plan = finish_study(folder, **asked)
    return describe_study(assemble(plan, folder, counted(plan)))


@pytest.mark.parametrize("seeds", [2, 6])
def test_every_table_is_one(tmp_path, seeds):
    """Of few seeds the column of p is one character wide."""
    text = text_of(tmp_path, seeds=seeds)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    assert sum(each.type == "table_open" for each in parsed) == len(tables) == 11
    assert sum(each.type == "tr_open" for each in parsed) == sum(len(table) - 1 for table in tables)
    assert {len({len(line) for line in table}) for table in tables} == {1}


def test_the_answer_of_a_study_that_is_not_finished_is_one_so_far(tmp_path):
    """What diverged is finished."""
    plan = finish_study(tmp_path, seeds=7)
    *_, lost, diverged = [trial for trial in list_trials(plan.study, tmp_path) if trial.variant.attention == "simam"]
    record_divergence(diverged.run, "the loss of step 3 is nan")
    text = describe_study(assemble(plan, tmp_path, counted(plan)))
    assert "- **towernet with simam, accuracy, last epoch: better by" in text
    shutil.rmtree(lost.run)
    text = describe_study(assemble(plan, tmp_path, counted(plan)))
    assert "- **towernet with simam, accuracy, last epoch, so far: too few seeds" in text
    assert "stops there, or adds seeds until p is small" in text.replace("\n", " ")


def test_pairs_are_said_where_they_are_fewer_than_seeds(tmp_path):
    plan = finish_study(tmp_path, seeds=8)
    for trial in [trial for trial in list_trials(plan.study, tmp_path) if trial.variant.attention == "none"][6:]:
        shutil.rmtree(trial.run)
    text = describe_study(assemble(plan, tmp_path, counted(plan)))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    header = next(row for row in rows if "seeds" in row)
    scores = [row for row in rows if len(row) == len(header) and row[0] == "towernet"]
    assert {row[2] for row in scores if row[1] == "none"} == {"6"}
    assert {row[2] for row in scores if row[1] == "simam"} == {"8, 6 paired"}
    assert sum("8, 6 paired" in row for row in rows) == 8  # four scores at two epochs


def test_what_the_costs_leave_out_is_said(tmp_path):
    text = text_of(tmp_path, seeds=1)
    assert "what SimAM itself computes is not among them, and shows in the times" in text
    assert "FLOPs are twice as many" in text
    assert "Peak memory is" not in text


def test_the_memory_of_costs_is_what_it_is_called(tmp_path):
    """A file of costs that does not say how memory was counted is of a version that took the process's."""
    plan = finish_study(tmp_path, seeds=1)
    measured = {"train_ms_per_image": 2.5, "inference_ms_per_image": 0.5, "device": "cpu"}
    facts = {"bytes": 7 * 2**20, "compiled_bytes": 5 * 2**20}

    def write(attention: str, memory: dict) -> None:
        file = costs_file(tmp_path, Variant("towernet", attention))
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(measured | memory))

    def notes() -> str:
        return describe_study(assemble(plan, tmp_path, counted(plan))).rpartition("whole batch: ")[2]

    write("none", {"peak_bytes": facts["bytes"]})
    write("simam", memory_of_step(facts, counted=False))
    text = notes()
    assert "is another one at each measurement (towernet with none); what XLA says" in text
    assert text.endswith("results included (towernet with simam).\n")
    write("none", memory_of_step(facts, counted=False))
    assert notes() == "what XLA says that the compiled step takes, its arguments and results included.\n"


def test_memory_is_the_allocators_or_the_compilers_before_it_is_the_processs():
    facts = {"bytes": 7, "compiled_bytes": 5}
    assert memory_of_step(facts, counted=True) == {"peak_bytes": 7, "memory": "allocator"}
    assert memory_of_step(facts, counted=False) == {"peak_bytes": 5, "memory": "compiler"}
    assert memory_of_step(facts | {"compiled_bytes": None}, counted=False) == {"peak_bytes": 7, "memory": "process"}
