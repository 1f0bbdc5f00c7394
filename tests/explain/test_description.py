"""A line says what is drawn, and what would be finer."""

from simam_jax.explain.description import describe_maps

SHAPES = {
    "stage4/conv": (8, 8, 256),
    "stage4": (8, 8, 256),
    "attention4": (4, 4, 256),
    "inception1/route1": (7, 7, 64),
    "inception2": (2, 2, 256),
    "inception3": (1, 1, 256),
}


def test_names_and_sizes():
    assert describe_maps(SHAPES, ["stage4"], ["attention4"]) == "Grad-CAM: stage4 (8×8); SimAM: attention4 (4×4)"


def test_a_finer_layer_is_named_where_all_are_coarse():
    assert describe_maps(SHAPES, ["inception2"], ["attention4"]).endswith(
        "; Grad-CAM's maps are coarse, a finer one is --layer stage4 (8×8)"
    )
    assert "coarse" not in describe_maps(SHAPES, ["inception2", "inception1/route1"], [])
    assert "coarse" not in describe_maps({"last": (1, 1, 8)}, ["last"], [])


def test_no_simam():
    assert describe_maps(SHAPES, ["stage4"], []) == "Grad-CAM: stage4 (8×8); the network has no SimAM to show"
