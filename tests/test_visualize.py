"""The command that draws what a network looks at."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_run import CLASSES

from simam_jax import command, visualize

LAYERS = ("stage4", "stage3", "inception1.route1")
KINDS = [
    "sheet",
    "image",
    *(f"grad_cam-{layer}" for layer in LAYERS),
    *(f"{kind}-attention{n}" for kind in ("gate", "energy") for n in (3, 4, 5, 6)),
]


@pytest.fixture
def photos(tiny_run, tmp_path):
    """Three images that could come to the same names, a large grey one, and one that is cut short."""
    folder = tmp_path / "photos"
    for name, size in {"a/x.png": (20, 30), "b/x.jpg": (8, 8)}.items():
        (folder / name).parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)).save(folder / name)
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (1500, 900), np.uint8)).save(folder / "big.png")
    (folder / "cut.png").write_bytes((folder / "a" / "x.png").read_bytes()[:60])
    return folder


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(visualize.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_pictures(tiny_run, photos, tmp_path, capsys):
    out = tmp_path / "made" / "pictures"
    words = ("--run", tiny_run.path, "--checkpoint", "latest", "--class", "zero")
    words += ("--layer", "stage4,stage3", "--layer", "inception1/route1")
    code, said, err = ended(capsys, *words, "--out", out, photos, "gone.png")
    assert code == 1
    files = [str(out / stem / f"{kind}.png") for stem in ("big", "x", "x_2") for kind in KINDS]
    assert said.splitlines() == files
    assert sorted(files) == sorted(map(str, out.rglob("*.png")))
    described = json.loads((out / "x_2" / "description.json").read_text())
    assert (described["image"], described["explained"]) == (str(photos / "b" / "x.jpg"), "zero")
    assert described["answer"] in CLASSES
    assert [each["file"] for each in described["maps"]] == [f"{kind}.png" for kind in KINDS[2:]]
    assert described["maps"][2] | {"file": ""} == {
        "file": "", "kind": "grad_cam", "layer": "inception1/route1", "size": [4, 4]
    }  # fmt: skip
    first, *problems = err.splitlines()
    assert first.startswith("Grad-CAM: stage4 (8×8), stage3 (16×16), inception1/route1 (4×4); SimAM: attention3 ")
    assert problems == [f"{photos / 'cut.png'}: truncated", "gone.png: no such file or directory"]
    sizes = set()
    for file in files:
        with Image.open(file) as image:
            image.load()
            sizes.add((image.size, file.rsplit("/", 1)[1] == "sheet.png"))
    assert all(width < 1600 and height < 1600 for (width, height), _ in sizes)

    # The same again would overwrite: nothing is drawn.
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    code, said, err = ended(capsys, *words, "--out", out, photos / "b" / "x.jpg")
    assert (code, said) == (2, "")
    assert err == f"error: {out / 'x'} is there already: take another --out, or move it away\n"
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: --out, INPUT"),
        (["--out", "o", "gone.png"], "there is no image: gone.png: no such file or directory"),
        (["--out", "o", "--layer", "stage5", "IMAGE"], "no layer 'stage5' (do you mean stage"),
        (["--out", "o", "--class", "two", "IMAGE"], "no class 'two': it is one of one, two, or so, zero"),
        (["--out", "o", "--checkpoint", "best?", "IMAGE"], "has no checkpoint 'best?'"),
    ],
)
def test_usage_errors_are_one_line(tiny_run, photos, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    image = str(photos / "a" / "x.png")
    code, out, err = ended(capsys, "--run", tiny_run.path, *(image if word == "IMAGE" else word for word in words))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_place_that_cannot_be_written(tiny_run, photos, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _, err = ended(capsys, "--run", tiny_run.path, "--out", tmp_path / "file" / "out", photos / "a" / "x.png")
    assert code == 4
    assert err == f"error: cannot write to {tmp_path / 'file' / 'out'}: Not a directory\n"
