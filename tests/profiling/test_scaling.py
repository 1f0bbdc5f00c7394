"""The cost model, and its table in ARCHITECTURE.md.

tests/training/test_steps_on_devices.py holds it against XLA's programs.
"""

import pytest

from simam_jax.models.registry import create_model
from simam_jax.profiling.network import summarise
from simam_jax.profiling.scaling import input_bytes, reduced, sent, share_of_sending

# A device that computes at 100 TFLOP/s, of images that it has 32 of; forward and backward are three times forward.
RATE, IMAGES = 1e14, 32
NETWORK, NODE = 12.5e9, 200e9  # bytes a second: 100 Gbit/s; a fast link inside a machine
DEVICES = (1, 2, 8, 64, 1024)


@pytest.fixture(scope="module")
def networks():
    models = {"TowerNet": ("towernet", 16, 256), "ResNet-50": ("resnet50", 1000, 224)}
    return {
        title: summarise(create_model(name, num_classes=classes, attention="simam"), image_size=size)
        for title, (name, classes, size) in models.items()
    }


def row(title, network, devices):
    totals = network["totals"]
    step = reduced(parameters=totals["parameters"], batch_stats=totals["batch_stats"])
    moved = sent(sum(step), devices)
    computing = 3 * totals["flops"] * IMAGES / RATE
    slow, fast = (share_of_sending(moved, bandwidth=link, computing=computing) for link in (NETWORK, NODE))
    rate = devices * IMAGES / (computing + moved / NODE)
    return f"| {title} | {devices} | {moved / 1e6:.1f} | {slow:.0%} | {fast:.0%} | {rate:,.0f} |"


def test_the_table_of_the_document(networks, root):
    written = (root / "ARCHITECTURE.md").read_text().splitlines()
    rows = [row(title, network, devices) for title, network in networks.items() for devices in DEVICES]
    print(*rows, sep="\n")
    assert [line for line in written if line in rows] == rows


def test_what_each_network_adds_up(networks):
    totals = networks["ResNet-50"]["totals"]
    assert totals["parameters"] == 25_557_032
    assert reduced(parameters=totals["parameters"], batch_stats=totals["batch_stats"]) == (102_228_128, 212_480)


@pytest.mark.parametrize(("devices", "times"), [(1, 0), (2, 1), (4, 1.5), (1024, 2 * 1023 / 1024)])
def test_a_ring(devices, times):
    assert sent(1000, devices) == 1000 * times


def test_images_and_shares():
    assert input_bytes(2, 10) == 2 * (300 + 12)
    assert share_of_sending(10.0, bandwidth=10.0, computing=3.0) == 0.25
