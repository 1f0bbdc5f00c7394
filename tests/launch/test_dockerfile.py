"""What can be seen of the image without building it."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml


@pytest.fixture(scope="module")
def instructions(root):
    text = (root / "launch/kubernetes/Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def of(instructions, name):
    return [rest for instruction, rest in instructions if instruction == name]


def test_what_it_copies_is_there_and_is_what_the_build_reads(instructions, root):
    sources = {source for rest in of(instructions, "COPY") for source in rest.split()[:-1]}
    assert all((root / source).exists() for source in sources)
    project = (root / "pyproject.toml").read_text()
    read = set(re.findall(r'"(README\.md|LICENSE|simam_jax)"', project)) | {"pyproject.toml", "configs"}
    assert read <= sources
    (install,) = of(instructions, "RUN")
    (constraints,) = re.findall(r"--constraint (\S+)", install)
    assert constraints in sources


def test_the_entry_point_runs_a_command_and_says_which(instructions, python_environment, tmp_path):
    (tmp_path / "python").symlink_to(sys.executable)
    (entry,), (default,) = of(instructions, "ENTRYPOINT"), of(instructions, "CMD")
    done = subprocess.run(
        [*json.loads(entry), *json.loads(default)],
        env={**python_environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "+ exec python -m simam_jax.main --help\n"
    assert done.stdout.startswith("usage: python -m simam_jax.main")
    assert done.returncode == 0


def test_the_user_is_the_pods(instructions, root):
    documents = list(yaml.safe_load_all((root / "launch/kubernetes/jobset.yaml").read_text()))
    (job,) = documents[-1]["spec"]["replicatedJobs"]
    context = job["template"]["spec"]["template"]["spec"]["securityContext"]
    assert of(instructions, "USER") == [str(context["runAsUser"])]
    assert f"--uid {context['runAsUser']} " in of(instructions, "RUN")[0]
