"""results.md, as a person sees it."""

from pathlib import Path

import pytest
from finished_study import counted, finish_study
from markdown_it import MarkdownIt

from simam_jax.reporting.study_text import describe_study
from simam_jax.studies.results import assemble


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
