"""Whether there is room is asked of the disk."""

from simam_jax.studies.room import has_room


def test_room(tmp_path):
    assert has_room(tmp_path, 0)
    assert has_room(tmp_path, 1_000_000)
    assert not has_room(tmp_path, 2**62)
    assert not has_room(tmp_path / "gone", 1)
    assert list(tmp_path.iterdir()) == []
