"""Archives are unpacked whole or refused whole; each hostile one is built here."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from simam_jax.data.archive import Limits, extract
from simam_jax.errors import UsageError

FILES = {"Images/a/x 1.jpg": b"one", "Images/b/y.jpg": b"two" * 1000, "Images/b/empty.jpg": b""}
NO_LIMITS = Limits()
MODES = {"a.tar": "w", "a.tar.gz": "w:gz", "a.tar.bz2": "w:bz2", "a.tar.xz": "w:xz"}


def zipped(path: Path, files: dict[str, bytes], **options) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = options.get("mode", 0) << 16
            archive.writestr(info, content)
    return path


def tarred(path: Path, files: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE, mode: str = "w:gz") -> Path:
    with tarfile.open(name=path, mode=mode) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content) if kind == tarfile.REGTYPE else 0, "/etc/hostname"
            archive.addfile(info, io.BytesIO(content))
    return path


def unpacked(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(path: Path, into: Path, why: str, limits: Limits = NO_LIMITS) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        extract(path, into, limits)
    assert str(path) in str(caught.value)
    assert not into.exists()


@pytest.mark.parametrize("name", ["a.zip", *MODES, "misnamed.jpg"])
def test_contents_come_out_as_they_went_in(tmp_path, name):
    path = tmp_path / name
    if name in MODES:
        tarred(path, FILES, mode=MODES[name])
    else:
        zipped(path, FILES)
    extract(path, tmp_path / "out", NO_LIMITS)
    assert unpacked(tmp_path / "out") == FILES


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"evil.jpg": b"evil"}).read_bytes()
    extract(tarred(tmp_path / "a.tar", {"a/inner.zip": inner}, mode="w"), tmp_path / "out", NO_LIMITS)
    assert unpacked(tmp_path / "out") == {"a/inner.zip": inner}


def test_folders_of_a_real_tar_are_welcome(tmp_path):
    for name, content in FILES.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "tree", arcname=".")
    extract(tmp_path / "a.tar", tmp_path / "out", NO_LIMITS)
    assert unpacked(tmp_path / "out") == FILES


def test_what_macos_adds_and_hidden_files_are_passed_over(tmp_path):
    extras = {"__MACOSX/Images/a/._x 1.jpg": b"?", "Images/.DS_Store": b"?", "Images/b/._y.jpg": b"?", ".git/a": b"?"}
    for path in (zipped(tmp_path / "a.zip", FILES | extras), tarred(tmp_path / "a.tgz", FILES | extras)):
        extract(path, tmp_path / path.stem / path.suffix, NO_LIMITS)
        assert unpacked(tmp_path / path.stem / path.suffix) == FILES


def test_modes_of_members_are_not_taken_over(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a/x.jpg": b"x"}, mode=stat.S_IFREG | stat.S_ISUID | 0o777)
    extract(path, tmp_path / "out", NO_LIMITS)
    assert not (tmp_path / "out/a/x.jpg").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.jpg", "would land outside"),
        ("a/../../evil.jpg", "would land outside"),
        ("a/..", "would land outside"),
        ("/tmp/evil.jpg", "absolute path"),
        ("C:/evil.jpg", "absolute path"),
        ("a\\..\\evil.jpg", "backslash"),
        ("a/evil\n.jpg", "control character"),
        ("a/" + "x" * 300, "too long a name"),
        ("Images/A/x 1.jpg", "collides with 'Images/a'"),
        ("Images/a/X 1.JPG", "collides with 'Images/a/x 1.jpg'"),
        ("Images/a/x 1.jpg/y.jpg", "collides with 'Images/a/x 1.jpg'"),
        ("Images/a", "collides with 'Images/a'"),
        ("./Images//a/x 1.jpg", "collides with 'Images/a/x 1.jpg'"),
        ("__MACOSX/../../evil", "would land outside"),
    ],
)
def test_a_name_that_leads_astray_refuses_the_archive(tmp_path, name, why):
    hostile = FILES | {name: b"evil"}
    for path in (zipped(tmp_path / "a.zip", hostile), tarred(tmp_path / "a.tgz", hostile)):
        refused(path, tmp_path / "deep" / "er" / "out", rf"its member .*{why}")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_refuses_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/x.jpg", b"1")
        archive.writestr("a/x.jpg", b"2")
    refused(tmp_path / "a.zip", tmp_path / "out", "'a/x.jpg' collides with 'a/x.jpg'")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a device"),
    ],
)
def test_links_and_devices_in_a_tar_refuse_it(tmp_path, kind, why):
    tarred(tmp_path / "a.tar", FILES, mode="w")
    with tarfile.open(tmp_path / "a.tar", "a") as archive:
        info = tarfile.TarInfo("Images/a/odd.jpg")
        info.type, info.linkname = kind, "x 1.jpg"
        archive.addfile(info)
    refused(tmp_path / "a.tar", tmp_path / "out", f"'Images/a/odd.jpg' {why}")


@pytest.mark.parametrize(("mode", "why"), [(stat.S_IFLNK, "a symbolic link"), (stat.S_IFIFO, "a device")])
def test_links_and_devices_in_a_zip_refuse_it(tmp_path, mode, why):
    path = zipped(tmp_path / "a.zip", {"a/odd.jpg": b"/etc/hostname"}, mode=mode | 0o777)
    refused(path, tmp_path / "out", f"'a/odd.jpg' is {why}")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a/x.jpg": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    data[data.index(b"PK\3\4") + 6] |= 1
    path.write_bytes(data)
    refused(path, tmp_path / "out", "is encrypted")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_bombs_are_refused(tmp_path, make):
    path = make(tmp_path / "bomb", {"a/x.jpg": b"x", "a/bomb.jpg": bytes(5_000_000)})
    assert path.stat().st_size < 50_000
    refused(
        path, tmp_path / "out", "'a/bomb.jpg' goes beyond the limit of 4,000,000 bytes", Limits(max_bytes=4_000_000)
    )
    extract(path, tmp_path / "out", Limits(max_bytes=5_000_001))


def test_bytes_count_over_all_members_hidden_ones_too(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a/x.jpg": bytes(600), ".hidden": bytes(600)})
    refused(path, tmp_path / "out", "'.hidden' goes beyond the limit of 1,000 bytes", Limits(max_bytes=1000))


def test_a_zip_that_lies_about_its_size_writes_no_more_than_it_says(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a/x.jpg": bytes(5_000_000)})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, tmp_path / "out", "damaged archive")


def test_a_tar_header_that_would_fill_the_memory_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for number in range(2):
            info = tarfile.TarInfo(f"a/{number}.jpg")
            info.pax_headers = {"comment": "x" * 2_000_000 * number}
            archive.addfile(info)
    refused(tmp_path / "a.tar.gz", tmp_path / "out", "damaged archive: an extended header of")


def test_too_many_files_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"a/{n}.jpg": b"" for n in range(11)})
    refused(path, tmp_path / "out", r"'a/10\.jpg' is beyond the limit of 10 files", Limits(max_files=10))
    extract(path, tmp_path / "out", Limits(max_files=11))


@pytest.mark.parametrize("name", ["a.zip", *MODES])
def test_a_damaged_archive_is_named(tmp_path, name):
    files = {f"a/{n}.jpg": bytes(range(256)) * 40 for n in range(20)}
    path = zipped(tmp_path / name, files) if name == "a.zip" else tarred(tmp_path / name, files, mode=MODES[name])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, tmp_path / "out", r"is a damaged archive|is no archive that can be read")
    damaged = bytearray(data)
    for at in range(len(data) // 3, len(data) // 3 + 40):
        damaged[at] ^= 0xFF
    path.write_bytes(damaged)
    if name != "a.tar":  # a plain tar has no checksum over contents
        refused(path, tmp_path / "out", r"is a damaged archive|is no archive that can be read")


def test_what_is_no_archive_is_named(tmp_path):
    for content in (b"", b"just text", b"\x1f\x8b nonsense", b"PK\3\4"):
        (tmp_path / "a.zip").write_bytes(content)
        refused(tmp_path / "a.zip", tmp_path / "out", "is no archive|is a damaged archive")
