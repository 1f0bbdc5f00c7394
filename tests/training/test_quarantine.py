from simam_jax.training.quarantine import put_aside


def test_nothing_that_was_put_aside_is_overwritten(tmp_path):
    for content in ("a", "b", "c"):
        (tmp_path / "12").mkdir()
        (tmp_path / "12" / "file").write_text(content)
        put_aside(tmp_path / "12")
    found = {path.name: (path / "file").read_text() for path in tmp_path.iterdir()}
    assert found == {"12.damaged": "a", "12.damaged-2": "b", "12.damaged-3": "c"}
