"""A prepared folder is right, or is not there at all."""

import errno
import json
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from observed import Said, files_below, nothing_left
from PIL import Image

from simam_jax.data.decode import decode
from simam_jax.data.manifest import fingerprint, read_manifest
from simam_jax.data.preparation import prepare
from simam_jax.errors import UsageError

FILES = ["eval", "manifest.json", "names.json", "preview.png", "train"]


def test_the_folder_holds_what_the_contract_says(class_tree, out):
    manifest = prepare(str(class_tree), out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert manifest == read_manifest(out)
    assert manifest.source == str(class_tree)
    assert manifest.classes == ("Bee", "ant", "猫")
    assert manifest.counts == {"train": {"Bee": 5, "ant": 8, "猫": 1}, "eval": {"Bee": 2, "ant": 3, "猫": 1}}
    assert manifest.excluded == ()
    images = {path: data for path, data in files_below(out).items() if path.count("/") == 2}
    expected = {}
    for class_name in manifest.classes:
        for index, path in enumerate(sorted((class_tree / class_name).iterdir())):
            split = "eval" if index % 5 == 0 else "train"
            expected[f"{split}/{class_name}/{path.name.replace(' ', '_')}"] = path.read_bytes()
    assert images == expected
    names = json.loads((out / "names.json").read_text())
    assert names == {
        split: [path.removeprefix(f"{split}/") for path in expected if path.startswith(split)] for split in names
    }


def test_statistics_are_those_of_all_training_pixels(class_tree, out, png):
    Image.new("RGB", (40, 30), (255, 0, 128)).save(class_tree / "ant" / "zz.png")
    manifest = prepare(str(class_tree), out)
    pixels = [decode(path.read_bytes()).reshape(-1, 3) for path in (out / "train").rglob("*.png")]
    every = np.concatenate(pixels) / 255
    np.testing.assert_allclose(manifest.mean, every.mean(0), rtol=1e-12)
    np.testing.assert_allclose(manifest.std, every.std(0), rtol=1e-12)


def test_the_fingerprint_is_of_names_and_contents(class_tree, out):
    manifest = prepare(str(class_tree), out)
    images = {path: data for path, data in files_below(out).items() if path.count("/") == 2}
    entries = [(*path.split("/", 2), sha256(data).hexdigest()) for path, data in images.items()]
    assert manifest.fingerprint == fingerprint((split, name, file, digest) for split, name, file, digest in entries)


def test_two_runs_make_the_same_bytes(class_tree, out, tmp_path):
    prepare(str(class_tree), out)
    prepare(str(class_tree), tmp_path / "other")
    assert files_below(out) == files_below(tmp_path / "other")


def test_bad_files_are_listed_and_move_no_other(class_tree, out, tmp_path):
    before = prepare(str(class_tree), tmp_path / "before")
    victims = {"image 0005.png": b"", "image 0006.png": b"text", "image 0007.png": None}
    for name, content in victims.items():
        path = class_tree / "ant" / name
        path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    said = Said()
    after = prepare(str(class_tree), out, progress=said)
    assert [(one["path"], one["reason"]) for one in after.excluded] == [
        ("ant/image 0005.png", "empty file"),
        ("ant/image 0006.png", "not an image"),
        ("ant/image 0007.png", "truncated"),
    ]
    assert said.messages == [f"left out {one['path']}: {one['reason']}" for one in after.excluded]
    assert after.counts["eval"]["ant"] == before.counts["eval"]["ant"] - 1
    names = {path.replace(" ", "_") for path in victims}
    earlier = {path for path in files_below(tmp_path / "before") if path.count("/") == 2}
    lost = {path for path in earlier if path.split("/")[1] == "ant" and path.split("/")[2] in names}
    assert len(lost) == 3
    assert {path for path in files_below(out) if path.count("/") == 2} == earlier - lost
    assert after.fingerprint != before.fingerprint


def test_strict_fails_and_writes_nothing(class_tree, out):
    (class_tree / "ant" / "zz.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match=r"bad images in .*photos: 1, the first ant/zz\.jpg \(empty file\)"):
        prepare(str(class_tree), out, strict=True)
    assert nothing_left(out)
    prepare(str(class_tree), out)
    with pytest.raises(UsageError, match="bad images in"):
        prepare(str(class_tree), out, strict=True)


def test_again_does_nothing(class_tree, out, monkeypatch):
    first = prepare(str(class_tree), out, classes="ant,Bee")
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    shutil.rmtree(class_tree / "ant")
    said = Said()
    assert prepare(str(class_tree), out, classes="Bee, ant", progress=said) == first
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    assert said.messages == [f"{out} is prepared already: nothing to do (remove it to prepare it anew)"]


@pytest.mark.parametrize(
    ("source", "options", "why"),
    [
        ("digits", {}, "was prepared from source '.*photos' and not 'digits'"),
        (None, {"eval_every": 4}, "eval_every 5 and not 4"),
        (None, {"classes": "ant,Bee"}, r"classes \[\] and not \['Bee', 'ant'\]"),
    ],
)
def test_another_source_or_option_on_the_same_folder_is_refused(class_tree, out, source, options, why):
    prepare(str(class_tree), out)
    before = files_below(out)
    with pytest.raises(UsageError, match=why):
        prepare(source or str(class_tree), out, **options)
    assert files_below(out) == before


def test_a_folder_of_other_things_is_refused(class_tree, out):
    out.mkdir(parents=True)
    prepare(str(class_tree), out)  # empty: welcome
    (out / "manifest.json").unlink()
    with pytest.raises(UsageError, match="is not empty and holds no prepared data"):
        prepare(str(class_tree), out)
    with pytest.raises(UsageError, match="is a file"):
        prepare(str(class_tree), out / "preview.png")


def test_eval_every(class_tree, out):
    assert prepare(str(class_tree), out, eval_every=2).counts["eval"] == {"Bee": 4, "ant": 6, "猫": 1}
    with pytest.raises(UsageError, match="eval_every is 1: it must be 2 or more"):
        prepare(str(class_tree), out, eval_every=1)


@pytest.mark.parametrize("place", [".", "ant", "new/deep"])
def test_inside_the_source_is_refused(class_tree, place):
    before = files_below(class_tree)
    with pytest.raises(UsageError, match=r"inside its source|is not empty"):
        prepare(str(class_tree), class_tree / place)
    assert files_below(class_tree) == before


def test_a_class_needs_an_image_to_train_on(class_tree, out, png):
    (class_tree / "猫" / "image 0001.png").unlink()
    with pytest.raises(UsageError, match=r"class 猫 has no training image \(1 for evaluation\)"):
        prepare(str(class_tree), out)
    (class_tree / "猫" / "image 0001.png").write_bytes(b"bad")
    with pytest.raises(UsageError, match=r"class 猫 has no training image that is good \(1 for evaluation\)"):
        prepare(str(class_tree), out)
    assert nothing_left(out)


def test_someone_must_be_left_for_evaluation(tmp_path, out, png):
    (tmp_path / "t" / "a").mkdir(parents=True)
    (tmp_path / "t" / "a" / "0.png").write_bytes(b"")
    (tmp_path / "t" / "a" / "1.png").write_bytes(png(1))
    with pytest.raises(UsageError, match="no class has an image for evaluation that is good"):
        prepare(str(tmp_path / "t"), out)
    assert nothing_left(out)


def test_an_archive_is_like_its_folder(class_tree, out, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", class_tree)
    manifest = prepare(archive, out)
    assert manifest.fingerprint == prepare(str(class_tree), tmp_path / "other").fingerprint
    assert manifest.source == archive
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_a_hostile_archive_leaves_nothing(out, tmp_path, png):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("a/1.png", png(1))
        archive.writestr("../../evil.png", png(2))
    with pytest.raises(UsageError, match=r"evil\.zip is refused, .* '\.\./\.\./evil\.png' would land outside"):
        prepare(str(tmp_path / "evil.zip"), out)
    with pytest.raises(UsageError, match=r"beyond the limit of 0 files"):
        prepare(str(tmp_path / "evil.zip"), out, max_files=0)
    assert nothing_left(out)
    assert not list(tmp_path.rglob("evil.png"))


def test_an_unreadable_file_is_left_out(class_tree, out, monkeypatch):
    read_bytes = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.name == "image 0003.png":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    manifest = prepare(str(class_tree), out)
    assert {one["reason"] for one in manifest.excluded} == {"cannot be read: Input/output error"}
    assert {one["path"] for one in manifest.excluded} == {"ant/image 0003.png", "Bee/image 0003.png"}


def test_the_preview_shows_up_to_sixteen_classes(class_tree, out, tmp_path, png):
    prepare(str(class_tree), out)
    three = decode((out / "preview.png").read_bytes())
    for index in range(20):
        (tmp_path / "many" / f"c{index:02d} with a name that does not fit").mkdir(parents=True)
        for number in range(2):
            (tmp_path / "many" / f"c{index:02d} with a name that does not fit" / f"{number}.png").write_bytes(
                png(number)
            )
    prepare(str(tmp_path / "many"), tmp_path / "out")
    sixteen = decode((tmp_path / "out" / "preview.png").read_bytes())
    assert three.shape[0] < three.shape[1] < sixteen.shape[1] < sixteen.shape[0]
    assert (sixteen != 255).any(axis=(1, 2)).mean() > 0.8


def test_the_seeds_data(photographs, out):
    manifest = prepare(str(photographs), out)
    assert {split: sum(counts.values()) for split, counts in manifest.counts.items()} == {"train": 1418, "eval": 362}
    assert manifest.excluded == ()
