"""results.md, as a person sees it."""

import shutil
from pathlib import Path

import pytest
from finished_study import counted, finish_study
from markdown_it import MarkdownIt

from simam_jax.reporting.study_text import describe_study
from simam_jax.studies.results import assemble
from simam_jax.studies.trials import list_trials, record_divergence


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
