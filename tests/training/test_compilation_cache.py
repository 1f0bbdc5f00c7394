import subprocess
import sys

PROGRAM = """
import jax, jax.numpy as jnp
from simam_jax.training.compilation_cache import use_compilation_cache
print(use_compilation_cache())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((8, 8)))
"""

# SimAM's kernels, interpreted, on images split over two devices.
SPLIT = """
import jax, jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from simam_jax.ops.simam_fused import forward_on
from simam_jax.training.compilation_cache import use_compilation_cache
print(use_compilation_cache())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
x = jax.ShapeDtypeStruct((2, 16, 8), jnp.float32, sharding=NamedSharding(mesh, PartitionSpec("data")))
lowered = jax.jit(forward_on("cuda", interpret=True)).lower(x, jax.ShapeDtypeStruct((1, 1), jnp.float32))
assert "custom_call @CustomSPMDPartitioning" in lowered.as_text()
lowered.compile()
"""

SET_BY_USERS = ("XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


def folder(environment, home, program=PROGRAM, **variables):
    """Where a new process, at home in `home`, keeps its programs."""
    clean = {name: value for name, value in environment.items() if name not in SET_BY_USERS}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_programs_are_kept_in_the_user_s_cache(python_environment, tmp_path):
    made = folder(python_environment, tmp_path)
    assert made.startswith(str(tmp_path / ".cache" / "simam_jax" / "compiled"))
    kept = sorted(path.name for path in tmp_path.rglob("*-cache"))
    assert kept
    assert folder(python_environment, tmp_path) == made
    assert sorted(path.name for path in tmp_path.rglob("*-cache")) == kept


def test_a_program_for_several_devices_is_found_again(python_environment, tmp_path):
    """JAX writes the address of a partitioned function into its program, which is another in every process."""
    for _ in range(2):
        folder(python_environment, tmp_path, SPLIT, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert len(list(tmp_path.rglob("*-cache"))) == 1


def test_jax_s_own_variables_come_first(python_environment, tmp_path):
    chosen = tmp_path / "elsewhere"
    assert folder(python_environment, tmp_path, JAX_COMPILATION_CACHE_DIR=str(chosen)) == str(chosen)
    assert folder(python_environment, tmp_path, JAX_ENABLE_COMPILATION_CACHE="false") == "None"
    assert not (tmp_path / ".cache").exists()


def test_a_folder_that_cannot_be_made_costs_the_cache_only(python_environment, tmp_path):
    (tmp_path / ".cache").write_text("a file")
    assert folder(python_environment, tmp_path) == "None"
