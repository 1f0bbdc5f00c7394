"""That the parts of the JobSet agree with one another and with the command. Its schema is JobSet's own affair."""

import re
import signal

import pytest
import yaml

from simam_jax import errors
from simam_jax.main import main
from simam_jax.training.stopping import StopRequest

# Kubernetes' message for a Job that a pod's exit code has failed (pkg/controller/job/pod_failure_policy.go).
FAILED = "Container train for pod default/simam-workers-0-1-x failed with exit code {} matching FailJob rule at index 0"
FINAL = {error.exit_code for error in (errors.UsageError, errors.DivergedError, errors.StorageError)}
STOPPED = 75


@pytest.fixture(scope="module")
def manifests(root):
    return {d["kind"]: d for d in yaml.safe_load_all((root / "launch/kubernetes/jobset.yaml").read_text())}


@pytest.fixture(scope="module")
def variables(manifests):
    return manifests["ConfigMap"]["data"]


@pytest.fixture(scope="module")
def workers(manifests):
    (job,) = manifests["JobSet"]["spec"]["replicatedJobs"]
    assert job["replicas"] == 1
    return job


@pytest.fixture(scope="module")
def pod(workers):
    return workers["template"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["containers"]
    return container


@pytest.fixture(scope="module")
def arguments(container, variables):
    known = {**variables, "JOB_COMPLETION_INDEX": "1"}
    return [re.sub(r"\$\((\w+)\)", lambda match: known[match[1]], word) for word in container["args"]]


def test_the_variables_are_the_pods(manifests, container, variables):
    assert container["envFrom"] == [{"configMapRef": {"name": manifests["ConfigMap"]["metadata"]["name"]}}]
    assert all(isinstance(value, str) for value in variables.values())


def test_there_are_as_many_pods_as_processes(workers, arguments):
    job = workers["template"]["spec"]
    processes = int(arguments[arguments.index("--processes") + 1])
    assert job["completionMode"] == "Indexed"
    assert job["completions"] == job["parallelism"] == processes


def test_the_coordinator_is_the_first_pod(manifests, workers, container, arguments):
    name = manifests["JobSet"]["metadata"]["name"]
    host, port = arguments[arguments.index("--coordinator") + 1].split(":")
    assert host == f"{name}-{workers['name']}-0-0.{name}"
    assert [int(port)] == [entry["containerPort"] for entry in container["ports"]]
    assert "network" not in manifests["JobSet"]["spec"], "its subdomain would be part of the host's name"


def test_the_options_are_the_commands(arguments, capsys):
    assert arguments[0] == "main", "the image's entry point takes the command's name first"
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"(?<=\s)--[a-z]+", capsys.readouterr().out))
    used = {word for word in arguments if word.startswith("--")}
    assert {"--coordinator", "--processes", "--process"} <= used
    assert used <= options


def test_what_follows_on_an_exit_code(manifests, workers, container):
    job = workers["template"]["spec"]
    policy = manifests["JobSet"]["spec"]["failurePolicy"]
    assert job["backoffLimit"] == 0, "the Job would start a pod again by itself, without the others"

    def fails_by_policy(exit_code):
        rules = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
        assert {rule["containerName"] for rule in rules} == {container["name"]}
        return any(exit_code in rule["values"] for rule in rules)

    def action(exit_code):
        """As JobSet chooses it: the first rule that fits; else a restart that counts."""
        reason = "PodFailurePolicy" if fails_by_policy(exit_code) else "BackoffLimitExceeded"
        message = (
            FAILED.format(exit_code) if fails_by_policy(exit_code) else "Job has reached the specified backoff limit"
        )
        for rule in policy["rules"]:
            patterns = rule.get("onJobFailureMessagePatterns", [""])
            if reason in rule["onJobFailureReasons"] and any(re.search(pattern, message) for pattern in patterns):
                return rule["action"]
        return "RestartJobSet"

    assert {action(exit_code) for exit_code in FINAL} == {"FailJobSet"}
    assert action(STOPPED) == "RestartJobSetAndIgnoreMaxRestarts"
    assert {action(exit_code) for exit_code in (1, 134, 137, 139)} == {"RestartJobSet"}
    assert policy["maxRestarts"] >= 1


def test_the_code_of_a_stop_is_the_commands():
    with StopRequest() as request:
        request.defer()
        signal.raise_signal(signal.SIGTERM)
        assert request.exit_code == STOPPED


def test_an_evicted_pod_starts_the_set_again(workers):
    conditions = [rule.get("onPodConditions") for rule in workers["template"]["spec"]["podFailurePolicy"]["rules"]]
    assert [{"type": "DisruptionTarget", "status": "True"}] in conditions


def test_there_is_time_to_save(pod):
    assert pod["terminationGracePeriodSeconds"] >= 60


def test_runs_and_data_are_on_the_volume(manifests, pod, container, variables):
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts) == set(volumes)
    (name,) = [name for name, volume in volumes.items() if "persistentVolumeClaim" in volume]
    claim = manifests["PersistentVolumeClaim"]
    assert volumes[name]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert container["workingDir"] == mounts[name]
    assert not variables["RUN"].startswith("/"), "relative to the working folder, which is the volume"
