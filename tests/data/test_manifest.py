"""The manifest is written as others expect it, and read with care."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.data.manifest import Manifest, fingerprint, read_manifest, write_manifest
from simam_jax.errors import UsageError

MANIFEST = Manifest(
    source="digits",
    classes=("a", "猫"),
    counts={"train": {"a": 4, "猫": 8}, "eval": {"a": 1, "猫": 2}},
    excluded=({"path": "a/x.jpg", "reason": "truncated"},),
    fingerprint="0" * 64,
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    options={"classes": [], "eval_every": 5},
)


def test_round_trip(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


def test_the_files_fields(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    fields = json.loads((tmp_path / "manifest.json").read_text())
    assert fields == {
        "source": "digits",
        "classes": ["a", "猫"],
        "counts": {"train": {"a": 4, "猫": 8}, "eval": {"a": 1, "猫": 2}},
        "excluded": [{"path": "a/x.jpg", "reason": "truncated"}],
        "fingerprint": "0" * 64,
        "mean": [0.1, 0.2, 0.3],
        "std": [0.4, 0.5, 0.6],
        "options": {"classes": [], "eval_every": 5},
    }


def test_options_may_be_missing(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    fields = json.loads(path.read_text())
    del fields["options"]
    path.write_text(json.dumps(fields))
    assert read_manifest(tmp_path).options == {}


@pytest.mark.parametrize("folder", ["missing", "."])
def test_no_manifest_names_the_command(tmp_path, folder):
    with pytest.raises(UsageError, match=r"python -m simam_jax\.prepare --source SOURCE --out "):
        read_manifest(tmp_path / folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda fields: fields.pop("mean"),
        lambda fields: fields.update(mean=[1, 2]),
        lambda fields: fields.update(classes=["b", "a"]),
        lambda fields: fields.update(classes=[]),
        lambda fields: fields.update(counts={"train": {}}),
        lambda fields: fields.update(excluded=["x"]),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, damage):
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    fields = json.loads(path.read_text())
    damage(fields)
    path.write_text(json.dumps(fields))
    with pytest.raises(UsageError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3"])
def test_what_is_no_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path)


def test_fingerprint_byte_for_byte():
    one, two = "1" * 64, "2" * 64
    layout = f"eval/b/é.jpg\0{two}\ntrain/a/x.jpg\0{one}\n".encode()
    entries = [("train", "a", "x.jpg", one), ("eval", "b", "é.jpg", two)]
    assert fingerprint(entries) == hashlib.sha256(layout).hexdigest()


ENTRY = st.tuples(
    st.sampled_from(["train", "eval"]), st.sampled_from("ab"), st.text("xyz", min_size=1), st.just("0" * 64)
)


@given(st.lists(ENTRY, unique=True, min_size=1), st.randoms())
def test_fingerprint_depends_on_content_and_not_on_order(entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert fingerprint(shuffled) == fingerprint(entries)
    split, class_name, name, _ = entries[0]
    assert fingerprint([(split, class_name, name, "f" * 64), *entries[1:]]) != fingerprint(entries)
    assert fingerprint(entries[1:]) != fingerprint(entries)
