"""The machine's limits as jobs."""

from simam_jax.benchmarking.jobs.job import Job, Spec
from simam_jax.profiling import limits


def matmul_job(spec: Spec) -> Job:
    """A matrix product; takes "dtype" and "size"."""
    return _job(limits.matmul(spec["dtype"], spec["size"]))


def copy_job(spec: Spec) -> Job:
    """A copy; takes "bytes", of which 0 are more than the caches hold."""
    return _job(limits.copy(spec["bytes"]))


def _job(limit: limits.Limit) -> Job:
    return Job(run=limit.run, facts={"work": limit.work})
