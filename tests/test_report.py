"""The command that draws a page."""

import subprocess
import sys

from simam_jax import command, report


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(report.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_page_of_a_real_run(tiny_run, tmp_path, capsys):
    import shutil

    from simam_jax import evaluate

    folder = shutil.copytree(tiny_run.path, tmp_path / "run")
    assert command.run(evaluate.main, ["--run", str(folder)]) == 0
    capsys.readouterr()
    code, said, err = ended(capsys, folder)
    assert (code, said, err) == (0, f"{folder / 'report.html'}\n", "")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "towernet with simam" in text
    assert "two, or so" in text
    assert text.count("data:image/webp") > 1
    assert "No answers were kept" not in text


def test_other_folders_are_refused_in_one_line(tmp_path, capsys):
    code, said, err = ended(capsys, tmp_path)
    assert (code, said) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert ended(capsys)[0] == 2


def test_it_starts_without_jax(python_environment, tmp_path):
    program = (
        "import sys\nfrom simam_jax import command, report\n"
        f"code = command.run(report.main, [{str(tmp_path)!r}])\n"
        "print(code, 'jax' in sys.modules, 'simam_jax.reporting.page' in sys.modules)"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env=python_environment, capture_output=True, text=True, check=True)
    assert done.stdout == "2 False True\n"
