import pytest

from simam_jax.whole_file import whole_file


def test_a_file_appears_or_changes_at_once(tmp_path):
    path = tmp_path / "config.json"
    for text in ("old", "new"):
        before = path.read_text() if path.exists() else None
        with whole_file(path) as unfinished:
            unfinished.write_text(text)
            assert (path.read_text() if path.exists() else None) == before
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_where_the_block_fails_nothing_has_happened(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("old")

    def fail():
        with whole_file(path) as unfinished:
            unfinished.write_text("ne")
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
