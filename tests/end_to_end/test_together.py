"""Runs that are trained as one program end as each would alone."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from run_comparison import assert_same_lines, lines
from tiny_network import last_state, tiny_config, use_tiny_network

from simam_jax.errors import DivergedError, Stopped, UsageError
from simam_jax.training import experiment, programs
from simam_jax.training.experiment import build
from simam_jax.training.loop import Job, train, train_together
from simam_jax.training.run import Run
from simam_jax.training.side_by_side import side_by_side
from simam_jax.training.state import create_state

# Of every leaf, relative to its largest value, after six steps.
TOLERANCE = {"cpu": 1e-6, "gpu": 1e-5}
RUNS = {"plain": (0, "simam"), "another": (1, "simam:e_lambda=0.5")}


@pytest.fixture(scope="module")
def config(root, tiny_run):
    return partial(tiny_config, root, tiny_run.data)


@pytest.fixture(autouse=True, scope="module")
def _tiny_network():
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_network(patch)
        yield


def refuse(job: Job, error: DivergedError) -> None:
    raise error


def jobs_in(config, folder: Path) -> list[Job]:
    return [Job(config(*own), folder / name) for name, own in RUNS.items()]


@pytest.fixture
def jobs(config, tmp_path) -> list[Job]:
    return jobs_in(config, tmp_path)


@pytest.fixture(scope="module")
def together(config, tmp_path_factory) -> list[Job]:
    """As on a CPU, without interruption."""
    jobs = jobs_in(config, tmp_path_factory.mktemp("together"))
    train_together(jobs, diverged=refuse)
    return jobs


@pytest.fixture(scope="module")
def alone(config, tmp_path_factory) -> list[Job]:
    jobs = jobs_in(config, tmp_path_factory.mktemp("alone"))
    for job in jobs:
        train(*job)
    return jobs


def compare(ours: list[Job], theirs: list[Job], tolerance: float) -> None:
    for our, their in zip(ours, theirs, strict=True):
        assert_same_lines(our.workdir, their.workdir, tolerance=tolerance)
        for leaf, other in zip(last_state(*our), last_state(*their), strict=True):
            assert np.abs(leaf - other).max() <= tolerance * np.abs(other).max()
        for name in ("config.json", "run.json"):
            assert (our.workdir / name).read_text() == (their.workdir / name).read_text()


def test_each_ends_as_it_would_alone(together, alone):
    compare(together, alone, TOLERANCE["cpu"])
    plain, another = (last_state(*job) for job in together)
    assert max(np.abs(a - b).max() for a, b in zip(plain, another, strict=True)) > 1e-3


def test_so_it_does_where_operations_are_of_all_at_once(jobs, alone, monkeypatch):
    monkeypatch.setattr(programs, "side_by_side", lambda function, _: side_by_side(function, "gpu"))
    train_together(jobs, diverged=refuse)
    compare(jobs, alone, TOLERANCE["gpu"])


@pytest.fixture
def stop_after(monkeypatch):
    """Sends SIGTERM when a run has done so many steps."""

    def stop_after(step: int) -> None:
        advance = Run.advance

        def advance_and_stop(self, state, metrics):
            advance(self, state, metrics)
            if self.step == step:
                monkeypatch.setattr(Run, "advance", advance)
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(Run, "advance", advance_and_stop)

    return stop_after


def test_they_are_stopped_and_go_on_together_or_alone(jobs, together, tmp_path, stop_after, log):
    log.set_level("INFO", "simam_jax")
    stop_after(4)
    with pytest.raises(Stopped, match="stopped by SIGTERM at step 4 of 6; everything is saved") as stop:
        train_together(jobs, diverged=refuse)
    assert stop.value.exit_code == 75
    copies = [job._replace(workdir=tmp_path / "copy" / job.workdir.name) for job in jobs]
    for job, copy in zip(jobs, copies, strict=True):
        shutil.copytree(job.workdir, copy.workdir)
    train_together(jobs, diverged=refuse)
    assert "plain: going on from step 4 of 6" in log.text
    compare(jobs, together, tolerance=0)

    # One goes on alone, the other beside one like itself that begins.
    train(*copies[0])
    behind = copies[1]._replace(workdir=tmp_path / "behind")
    train_together([copies[1], behind], diverged=refuse)
    compare([*copies, behind], [*together, together[1]], TOLERANCE["cpu"])


def test_one_that_diverges_leaves_and_the_others_go_on(jobs, monkeypatch):
    def create_wildly(*args, seed, **kwargs):
        state = create_state(*args, seed=seed, **kwargs)
        return state.replace(params=jax.tree.map(lambda leaf: leaf * jnp.where(seed == 0, jnp.inf, 1.0), state.params))

    monkeypatch.setattr(experiment, "create_state", create_wildly)
    heard: list[tuple[Path, str]] = []
    outcomes = train_together(jobs, diverged=lambda job, error: heard.append((job.workdir, str(error))))
    assert outcomes[0] is None
    assert outcomes[1] is not None
    assert heard == [
        (jobs[0].workdir, "the loss of step 1 is nan; no checkpoint yet; try a lower --config.schedule.learning_rate")
    ]
    assert not lines(jobs[0].workdir)
    assert (outcomes[1].steps, lines(jobs[1].workdir)[-1]["step"]) == (6, 6)


def test_one_whose_evaluation_is_no_number_leaves_too(jobs, monkeypatch):
    """Training does not see the running statistics."""

    def create_wildly(*args, seed, **kwargs):
        state = create_state(*args, seed=seed, **kwargs)
        wild = jax.tree.map(lambda leaf: jnp.where(seed == 0, jnp.nan, leaf), state.batch_stats)
        return state.replace(batch_stats=wild)

    monkeypatch.setattr(experiment, "create_state", create_wildly)
    heard: list[tuple[Path, str]] = []
    outcomes = train_together(jobs, diverged=lambda job, error: heard.append((job.workdir, str(error))))
    assert outcomes[0] is None
    assert outcomes[1] is not None
    said = "the loss on eval after step 3 is nan; no checkpoint yet; try a lower --config.schedule.learning_rate"
    assert heard == [(jobs[0].workdir, said)]
    assert not any("eval/loss" in line for line in lines(jobs[0].workdir))
    assert lines(jobs[1].workdir)[-1]["step"] == 6


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_a_sweep_of_lambda_is_one_program(config, monkeypatch, platform):
    monkeypatch.setattr(programs, "side_by_side", lambda function, _: side_by_side(function, platform))
    compiled = []
    compile_it = jax.stages.Lowered.compile

    def compile_and_tell(self):
        compiled.append(self.as_text())
        return compile_it(self)

    monkeypatch.setattr(jax.stages.Lowered, "compile", compile_and_tell)
    for sweep in ((1e-4, 0.1), (0.5, 10.0)):
        built = build([config(0, f"simam:e_lambda={each}") for each in sweep])
        built.programs.train(2)
        built.programs.evaluate(2)
    train_once, evaluate_once, train_again, evaluate_again = compiled
    assert train_once == train_again
    assert evaluate_once == evaluate_again


def test_what_differs_in_more_is_refused(config, tmp_path):
    jobs = [Job(config(seed, "none", f"--config.epochs={2 + seed}"), tmp_path / str(seed)) for seed in range(2)]
    with pytest.raises(UsageError, match=r"runs of one program differ in seed and SimAM's λ alone, not in epochs$"):
        train_together(jobs, diverged=refuse)
    assert not list(tmp_path.iterdir())
