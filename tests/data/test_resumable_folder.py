"""However a preparation of shards is interrupted, the next one goes on and ends with the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from observed import Said, files_below, nothing_left

from simam_jax.data import preparation, shard_filling, shard_writing
from simam_jax.data.atomic_folder import locked
from simam_jax.data.preparation import prepare
from simam_jax.data.resumable_folder import unfinished
from simam_jax.errors import StorageError, UsageError

IMAGES = 20


class Interrupted(BaseException):
    pass


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shard_writing, "SHARD_BYTES", 700)


@pytest.fixture
def whole(class_tree, tmp_path) -> dict[str, bytes]:
    """What an uninterrupted preparation makes; below a folder of the same name."""
    folder = tmp_path / "whole" / "photos"
    prepare(str(class_tree), folder, format="array_record")
    assert len(list(folder.glob("*/*/*-train.*"))) > 3
    return files_below(folder)


def shards(source: Path, out: Path, **options):
    return prepare(str(source), out, format="array_record", **options)


@pytest.fixture
def interrupt(class_tree, out, monkeypatch):
    """Prepares until so many images have been looked at, or until a function of `shard_filling` is called."""

    def run(images: int | None = None, function: str | None = None, error: BaseException | None = None) -> Said:
        said = Said()
        with monkeypatch.context() as patch:
            examine = shard_filling.examine
            looked_at = []

            def failing(placement):
                looked_at.append(placement)
                if len(looked_at) > images:
                    raise error or Interrupted
                return examine(placement)

            def interrupted(*_, **__):
                raise error or Interrupted

            if images is not None:
                patch.setattr(shard_filling, "examine", failing)
            else:
                patch.setattr(shard_filling, function, interrupted)
            with pytest.raises((Interrupted, OSError, UsageError)):
                shards(class_tree, out, progress=said)
        assert not out.exists()
        return said

    return run


def notes(out: Path) -> list[Path]:
    return sorted((unfinished(out) / "shards").glob("*.json"))


def images_in(out: Path) -> int:
    return sum(len(json.loads(note.read_text())["digests"]) for note in notes(out))


def count_reads(monkeypatch) -> list:
    examine, reads = shard_filling.examine, []
    monkeypatch.setattr(shard_filling, "examine", lambda placement: (reads.append(placement), examine(placement))[1])
    return reads


@pytest.mark.parametrize("images", [4, 9, 14, 17, 19])
def test_it_goes_on_behind_the_shards_that_are_finished(class_tree, out, whole, interrupt, monkeypatch, images):
    said = interrupt(images)
    done = images_in(out)
    assert 0 < done <= images
    assert said.messages == [f"what is finished stays in {unfinished(out)}: the same command goes on from there"]
    stamps = {path.name: path.stat().st_mtime_ns for path in (unfinished(out) / "shards").glob("*.array_record")}
    reads, said = count_reads(monkeypatch), Said()
    shards(class_tree, out, progress=said)
    assert said.messages == [f"going on: {done} of {IMAGES} images are done"]
    assert len(reads) == IMAGES - done
    assert files_below(out) == whole
    kept = [path for path in out.glob("*/*/*.array_record-*") if path.stat().st_mtime_ns in stamps.values()]
    assert len(kept) == len(stamps)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("function", ["write_set", "write_names", "open_records", "draw_preview"])
def test_it_goes_on_at_the_end(class_tree, out, whole, interrupt, monkeypatch, function):
    interrupt(function=function)
    reads = count_reads(monkeypatch)
    shards(class_tree, out)
    assert reads == []
    assert files_below(out) == whole


def test_it_goes_on_where_there_are_no_links(class_tree, out, whole, interrupt, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError("no links here")))
    interrupt(function="write_names")
    shards(class_tree, out)
    assert files_below(out) == whole


def test_before_the_first_shard_nothing_stays(out, interrupt):
    assert interrupt(1).messages == []
    assert nothing_left(out)


def test_several_interruptions(class_tree, out, whole, interrupt):
    for images in (6, 3, 5, 4):
        interrupt(images)
    shards(class_tree, out)
    assert files_below(out) == whole


SLOW = """
import sys, time
from simam_jax.data import intake, preparation, shard_writing
shard_writing.SHARD_BYTES = 700
decode = intake.decode
intake.decode = lambda data: time.sleep(0.1) or decode(data)
preparation.prepare(*sys.argv[1:], format="array_record")
"""


def test_kill_9_costs_no_finished_shard(class_tree, out, whole, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(class_tree), str(out)])
    end = time.monotonic() + 60
    while len(notes(out)) < 2:
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    done, reads = images_in(out), count_reads(monkeypatch)
    shards(class_tree, out)
    assert len(reads) == IMAGES - done < IMAGES
    assert files_below(out) == whole
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_what_is_left_of_a_shard_is_written_anew(class_tree, out, whole, interrupt):
    interrupt(14)
    first, second, *_ = notes(out)
    shard = second.with_suffix(".array_record")
    shard.write_bytes(shard.read_bytes()[:-1])
    shards(class_tree, out)
    assert files_below(out) == whole
    shutil.rmtree(out)
    interrupt(14)
    first.write_text("{")
    (first.parent / "00099.array_record").write_bytes(b"of a shard that was begun")
    shards(class_tree, out)
    assert files_below(out) == whole


def test_a_source_with_other_images_is_begun_anew(class_tree, out, tmp_path, interrupt):
    interrupt(14)
    shutil.copy(class_tree / "ant" / "image 0001.png", class_tree / "ant" / "image 0000b.png")
    said = Said()
    shards(class_tree, out, progress=said)
    assert said.messages == ["the source has other images than when this was begun: beginning anew"]
    shards(class_tree, tmp_path / "fresh" / "photos")
    assert files_below(out) == files_below(tmp_path / "fresh" / "photos")


@pytest.mark.parametrize(
    ("source", "options", "why"),
    [
        ("digits", {"format": "array_record"}, "source '.*photos' and not 'digits'"),
        (None, {"format": "array_record", "eval_every": 4}, "eval_every 5 and not 4"),
        (None, {"format": "files"}, "format 'array_record' and not 'files'"),
    ],
)
def test_something_else_is_refused_while_it_is_unfinished(class_tree, out, interrupt, source, options, why):
    interrupt(14)
    before = files_below(out.parent)
    with pytest.raises(UsageError, match=rf"is half prepared from {why}: finish that, .* or remove .*\.unfinished"):
        prepare(source or str(class_tree), out, **options)
    assert files_below(out.parent) == before


def test_bad_images_are_listed_once_and_strict_keeps_the_work(class_tree, out, interrupt, monkeypatch):
    for name in ("Bee/image 0001.png", "猫/zz.png"):
        (class_tree / name).write_bytes(b"")
    interrupt(14)
    with pytest.raises(UsageError, match=r"bad images in .*: 2, the first Bee/image 0001\.png"):
        shards(class_tree, out, strict=True)
    reads = count_reads(monkeypatch)
    manifest = shards(class_tree, out)
    assert reads == []
    assert [each["path"] for each in manifest.excluded] == ["Bee/image 0001.png", "猫/zz.png"]


def test_an_image_that_is_mended_satisfies_strict(class_tree, out, whole, monkeypatch):
    victim = class_tree / "ant" / "image 0006.png"
    content = victim.read_bytes()
    victim.write_bytes(b"")
    with pytest.raises(UsageError, match=r"bad images in .*: 1, the first ant/image 0006\.png"):
        shards(class_tree, out, strict=True)
    assert images_in(out) == IMAGES
    victim.write_bytes(content)
    reads = count_reads(monkeypatch)
    assert shards(class_tree, out, strict=True).excluded == ()
    assert 0 < len(reads) < IMAGES, "what stands before it is kept"
    assert files_below(out) == whole


def test_an_archive_is_unpacked_again(class_tree, tmp_path, out, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", class_tree)
    with monkeypatch.context() as patch:
        patch.setattr(shard_filling, "write_set", lambda *_: (_ for _ in ()).throw(Interrupted))
        with pytest.raises(Interrupted):
            prepare(archive, out, format="array_record")
    assert not (unfinished(out) / "source").exists()
    assert prepare(archive, out, format="array_record").counts["train"]["ant"] == 8


def test_two_at_once_are_refused(class_tree, out):
    unfinished(out).mkdir(parents=True)
    with locked(unfinished(out)), pytest.raises(UsageError, match=f"another process is preparing {out}"):
        shards(class_tree, out)
    shards(class_tree, out)


def test_the_slower_of_two_takes_what_the_faster_made(class_tree, out, monkeypatch):
    fill = preparation.fill_shards

    def overtaken(*arguments, **options):
        content = fill(*arguments, **options)
        shutil.copytree(arguments[0], out)
        preparation.write_manifest(
            out,
            preparation.Manifest(
                source=str(class_tree),
                options={"classes": [], "eval_every": 5, "format": "array_record"},
                **content,
            ),
        )
        return content

    monkeypatch.setattr(preparation, "fill_shards", overtaken)
    assert shards(class_tree, out).counts["train"]["ant"] == 8
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_killed_at_the_very_end_leaves_nothing_for_long(class_tree, out):
    shards(class_tree, out)
    (unfinished(out) / "shards").mkdir(parents=True)
    shards(class_tree, out)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


LIMITED = """
import resource, sys
from simam_jax.data import preparation, shard_writing
from simam_jax.errors import StorageError
shard_writing.SHARD_BYTES = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try:
    preparation.prepare(*sys.argv[1:3], format="array_record")
except StorageError as error:
    print(error)
"""


# ArrayRecord notices at the end of a short file, and before it in a longer one.
@pytest.mark.parametrize("padding", [5_000, 1_000_000])
def test_files_that_cannot_be_written_are_a_storage_error(tmp_path, out, png, padding):
    source = tmp_path / "large"
    for class_name in ("a", "b"):
        (source / class_name).mkdir(parents=True)
        (source / class_name / "000.png").write_bytes(png(0) + os.urandom(padding))
        for number in range(1, 50):
            os.link(source / class_name / "000.png", source / class_name / f"{number:03d}.png")
    arguments = [sys.executable, "-c", LIMITED, str(source), str(out)]
    done = subprocess.run([*arguments, "100_000_000"], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"cannot write {unfinished(out)}/shards/00000.array_record: write() failed: File too large\n"
    )
    assert nothing_left(out)


def test_storage_that_fails_later_keeps_what_is_finished(class_tree, out, whole, interrupt):
    interrupt(9, error=StorageError("full"))
    assert notes(out)
    shards(class_tree, out)
    assert files_below(out) == whole
