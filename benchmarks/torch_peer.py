"""PyTorch as a contestant of `python -m simam_jax.benchmark --peer-python PYTHON`: eager, or with torch.compile.

Needs torch and numpy, and Pillow for the input suite. It is started by the benchmark, which speaks to it over its
standard input and output.
"""

import ctypes
import os
import sys
import time
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

sys.path.insert(0, str(Path(__file__).parent))
import torch_networks
import wire

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
# Learns for a few steps and then all but stops: one batch over and over soon leaves no gradient but denormals.
LEARNING_RATE, LEARNING_STEPS, LATER_LEARNING_RATE = 0.005, 5, 1e-7
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")


def wait():
    """Until the device is done."""
    if CUDA:
        torch.cuda.synchronize()


def step_job(spec):
    """Training steps of a network on one batch, from the weights in the file "exchange"; channels_last."""
    step = make_step(spec)
    losses = [float(step()) for _ in range(LEARNING_STEPS)]
    return partial(repeat, step), {"losses": losses}


def memory_job(spec):
    """The most memory that steps take, beyond what the process takes without them."""
    give_back()
    ground = torch.cuda.memory_allocated() if CUDA else resident("VmRSS")
    step = make_step(spec)
    repeat(step, 2)
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    else:
        give_back()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    repeat(step, 3)
    peak = torch.cuda.max_memory_allocated() if CUDA else resident("VmHWM")
    return partial(repeat, step), {"bytes": peak - ground}


def make_step(spec):
    """step() -> loss before the update: forward, cross-entropy, backward, momentum with an L2 penalty."""
    clean()
    with np.load(spec["exchange"]) as stored:
        arrays = dict(stored)
    images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).to(DEVICE, memory_format=torch.channels_last)
    labels = torch.from_numpy(arrays["labels"]).long().to(DEVICE)
    network = torch_networks.create(spec["network"], spec["classes"], spec["attention"])
    load(network, {name.removeprefix("weights/"): each for name, each in arrays.items() if name.startswith("weights/")})
    network = network.train().to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, fused=True
    )
    forward = torch.compile(network, dynamic=False) if spec["compile"] else network
    sixteen = spec["dtype"] != "float32"
    autocast = partial(torch.autocast, DEVICE.type, DTYPES[spec["dtype"]]) if sixteen else nullcontext

    steps = 0

    def step():
        nonlocal steps
        optimizer.param_groups[0]["lr"] = LEARNING_RATE if steps < LEARNING_STEPS else LATER_LEARNING_RATE
        steps += 1
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            loss = F.cross_entropy(forward(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def load(network, weights):
    """Fills a network's parameters and statistics, all of them and nothing else."""
    lacking, strange = network.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()}, False)
    lacking = [name for name in lacking if not name.endswith("num_batches_tracked")]
    if lacking or strange:
        raise ValueError(f"weights do not fit: lacking {lacking[:3]}, strange {strange[:3]}")


def attention_job(spec):
    """SimAM forward, or forward and backward, in whichever memory layout is faster."""
    clean()
    runs = {}
    for layout in (torch.channels_last, torch.contiguous_format):
        runs[str(layout).removeprefix("torch.")] = partial(repeat, attention(spec, layout))
    seconds = {name: min(timed(run) for _ in range(3)) for name, run in runs.items()}
    best = min(seconds, key=seconds.get)
    return runs[best], {"layout": best}


def attention(spec, layout):
    """One run of SimAM, warm."""
    n, h, w, c = spec["shape"]
    shape, dtype = (n, c, h, w), DTYPES[spec["dtype"]]
    x, dy = (torch.randn(shape, device=DEVICE).to(dtype).to(memory_format=layout) for _ in range(2))
    module = torch_networks.SimAM()
    forward = torch.compile(module, dynamic=False) if spec["compile"] else module
    if spec["backward"]:
        x.requires_grad_(True)

    def once():
        if not spec["backward"]:
            with torch.no_grad():
                return forward(x)
        x.grad = None
        forward(x).backward(dy)
        return x.grad

    repeat(once, 3)
    return once


def decode_job(spec):
    """Class folders to uint8 squares through a DataLoader, by Pillow; see data_loader.py."""
    import data_loader

    return data_loader.decode_job(spec)


def repeat(function, times):
    """Runs it and waits for the end."""
    for _ in range(times):
        function()
    wait()


def timed(run):
    """Seconds of one run."""
    start = time.perf_counter()
    run(1)
    return time.perf_counter() - start


def clean():
    """Forgets what was compiled and allocated for the job before."""
    torch.compiler.reset()
    if CUDA:
        torch.cuda.empty_cache()


def give_back():
    """Returns to the system what was freed; not every C library can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def resident(field):
    """Bytes by a field of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    if CUDA:
        # As XLA does by default: TF32 where the device has it, and the fastest of the library's convolutions.
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    wire.serve(
        {"versions": {"torch": torch.__version__}, "platform": DEVICE.type},
        {"step": step_job, "memory": memory_job, "attention": attention_job, "decode": decode_job},
    )
