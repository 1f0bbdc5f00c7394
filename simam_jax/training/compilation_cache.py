"""Programs that were compiled once, kept on disk for the next start."""

import hashlib
import os
import platform
from pathlib import Path
from typing import Any, cast

import jax


def use_compilation_cache() -> Path | None:
    """Keeps compiled programs in the user's cache folder; the folder, or None where none is used.

    JAX's own variables come first: JAX_COMPILATION_CACHE_DIR names another folder, JAX_ENABLE_COMPILATION_CACHE=false
    turns it off. XLA:CPU compiles for the processor it finds, so each kind of processor has its own folder. A folder
    that cannot be written costs the cache, not the run.
    """
    config = cast(Any, jax.config)  # whose fields have no annotations
    if not config.jax_enable_compilation_cache:
        return None
    # What SimAM's kernels are on several devices is in the program; where their function lies is new at each start.
    config.update("jax_remove_custom_partitioning_ptr_from_cache_key", True)
    if config.jax_compilation_cache_dir:
        return Path(config.jax_compilation_cache_dir)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "simam_jax" / "compiled" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


def _processor() -> str:
    """A name for all processors that have the same instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = platform.processor()
    return f"{platform.machine()}-{hashlib.sha256(features.encode()).hexdigest()[:8]}"
