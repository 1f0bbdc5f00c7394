"""The library needs no more than JAX, Flax, what Flax brings, and jaxtyping."""

import subprocess
import sys

# What the extras bring and Flax does not.
EXTRAS = (
    "clu", "grain", "ml_collections", "cv2", "PIL", "sklearn", "tensorflow", "tensorflow_datasets",
    "tensorboard", "beartype", "hypothesis", "pytest",
)  # fmt: skip

USE = """
import jax, jax.numpy as jnp
import simam_jax
assert "jax" in sys.modules
x = jnp.ones((1, 4, 4, 2))
simam_jax.simam(x)
simam_jax.SimAM().apply({}, x)
simam_jax.create_attention("simam:e_lambda=0.1").apply({}, x)
model = simam_jax.create_model("towernet", num_classes=3)
jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.ones((1, 128, 128, 3)), train=False))
print(simam_jax.models.names(), simam_jax.layers.attention_names(), simam_jax.__version__)
"""


def run(program: str, environment) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_runs_with_the_extras_blocked(python_environment):
    blocker = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
    assert "towernet" in run(blocker + USE, python_environment)


def test_importing_the_package_imports_no_jax(python_environment):
    assert run("import sys, simam_jax; print('jax' in sys.modules)", python_environment).strip() == "False"
