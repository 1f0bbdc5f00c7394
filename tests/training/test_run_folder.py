"""A run's folder knows its config, also one that an older version wrote."""

import errno
import fcntl
import json
import os
import resource

import pytest

from simam_jax.data.dataset import Dataset
from simam_jax.errors import StorageError, UsageError
from simam_jax.training.config import load_config
from simam_jax.training.run_folder import RunFolder

DATASET = Dataset(classes=("a", "b"), mean=(0.5,) * 3, std=(0.2,) * 3, fingerprint="f", open_split=lambda _: [])


@pytest.fixture
def towernet(root):
    def load(*fields: str):
        return load_config(str(root / "configs" / "towernet.py"), [f"--config.{field}" for field in fields])

    return load


@pytest.fixture
def claim(tmp_path):
    """Makes the folder a run of a config, or checks that it is one, and lets it go."""

    def claim(config) -> RunFolder:
        folder = RunFolder(tmp_path / "run")
        try:
            folder.claim(config, DATASET, {})
        finally:
            folder.release()
        return folder

    return claim


def test_a_config_comes_back_as_it_was(claim, towernet):
    config = towernet("schedule.name=step", "schedule.milestones=82,123.5")
    assert claim(config).config() == config
    claim(config)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("schedule.milestones=82,122", r"schedule\.milestones \(\(82, 123\) there, \(82, 122\) here\)"),
        ("data.resize_to=300", r"data\.resize_to \(0 there, 300 here\)"),
    ],
)
def test_another_config_is_refused(claim, towernet, field, said):
    claim(towernet("schedule.milestones=82,123"))
    with pytest.raises(UsageError, match=said):
        claim(towernet("schedule.milestones=82,123", field))


@pytest.mark.parametrize("field", ["data.on_bad_record=skip", "data.workers=3", "log_every=7"])
def test_what_changes_nothing_may_differ(claim, towernet, field):
    claim(towernet())
    assert claim(towernet(field)).config() == towernet(field)


def test_a_run_of_0_1_0_lacks_the_later_fields_and_goes_on(claim, towernet, tmp_path):
    config = towernet()
    claim(config)
    file = tmp_path / "run" / "config.json"
    fields = json.loads(file.read_text())
    for section, names in {"data": ["resize_to", "random_resized_crop"], "schedule": ["milestones", "decay"]}.items():
        for name in names:
            del fields[section][name]
    for name in ("implementation", "micro_batches", "rematerialise"):
        del fields[name]
    file.write_text(json.dumps(fields))
    assert RunFolder(tmp_path / "run").config() == config
    claim(config)
    with pytest.raises(UsageError, match=r"data\.random_resized_crop \(0\.0 there, 0\.08 here\)"):
        claim(towernet("data.random_resized_crop=0.08"))


def test_facts_that_lack_something_are_damaged(claim, towernet, tmp_path):
    folder = claim(towernet())
    file = tmp_path / "run" / "run.json"
    facts = json.loads(file.read_text())
    del facts["classes"]
    file.write_text(json.dumps(facts))
    with pytest.raises(UsageError, match=r"run\.json is damaged: it has no classes"):
        folder.facts()
    file.write_text("[]")
    with pytest.raises(UsageError, match=r"run\.json is damaged: it is no JSON object"):
        folder.facts()


@pytest.mark.parametrize(
    ("place", "reason"), [("file", "File exists"), ("file/run", "Not a directory"), ("x" * 300, "File name too long")]
)
def test_a_place_where_no_folder_can_be_made_is_named(towernet, tmp_path, place, reason):
    (tmp_path / "file").write_text("mine")
    said = rf"cannot make the run's folder .*: {reason}; choose another --workdir"
    with pytest.raises(UsageError, match=said):
        RunFolder(tmp_path / place).check_place()
    with pytest.raises(UsageError, match=said):
        RunFolder(tmp_path / place).claim(towernet(), DATASET, {})


def test_a_place_is_checked_without_a_trace(tmp_path):
    RunFolder(tmp_path / "runs" / "mine").check_place()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    RunFolder(tmp_path / "mine").check_place()
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_was_being_claimed_is_free(claim, towernet, tmp_path):
    claim(towernet())
    (tmp_path / "run" / "config.json").unlink()
    assert claim(towernet()).config() == towernet()


def test_a_run_that_is_trained_in_is_refused(claim, towernet, tmp_path):
    claim(towernet())
    with (tmp_path / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another process is training in"):
            claim(towernet())
    claim(towernet())


def test_a_file_system_without_locks_is_said_and_used(claim, towernet, monkeypatch, log):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert claim(towernet()).config() == towernet()
    assert "run cannot be locked (No locks available): see that no other command works in it" in log.text


def test_a_file_that_cannot_be_written_is_named(claim, towernet, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(StorageError, match=r"cannot write .*run\.json: File too large; make room"):
            claim(towernet())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert claim(towernet()).config() == towernet()
