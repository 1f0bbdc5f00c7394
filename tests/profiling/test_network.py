import pytest

from simam_jax.models import create_model
from simam_jax.profiling.network import summarise

# Billions of multiply-adds at 224²: as the paper's table 3 counts them, and of convolutions and linear layers alone.
TABLE_3 = {
    "resnet18": (1.819, 1.814),
    "resnet34": (3.671, 3.664),
    "resnet50": (4.111, 4.089),
    "resnet101": (7.834, 7.801),
    "resnext50_32x4d": (4.259, 4.230),
    "mobilenet_v2": (0.314, 0.301),
}


def billions(name: str, **options) -> float:
    model = create_model(name, num_classes=1000, attention=options.pop("attention", "none"))
    return round(summarise(model, image_size=224, **options)["totals"]["multiply_adds"] / 1e9, 3)


@pytest.mark.parametrize("name", TABLE_3)
def test_table_3(name):
    assert (billions(name, convention="paper"), billions(name, convention="layers")) == TABLE_3[name]


def test_simam_costs_no_multiply_adds_of_layers():
    assert billions("resnet18", attention="simam", convention="paper") == TABLE_3["resnet18"][0]


def test_an_unknown_convention_lists_the_known():
    with pytest.raises(ValueError, match="unknown convention 'mac': it is one of layers, paper"):
        billions("resnet18", convention="mac")


def test_parameters_buffers_and_activations():
    totals = summarise(create_model("cifar_resnet20", num_classes=10), image_size=32)["totals"]
    assert totals["parameters"] == 272_474
    assert totals["batch_stats"] == 2 * 7 * (16 + 32 + 64)
    half = create_model("cifar_resnet20", num_classes=10, dtype="bfloat16")
    logits, pooled = 10 * 4, 64 * 4
    assert (
        summarise(half, image_size=32)["totals"]["activation_bytes"] < totals["activation_bytes"] / 2 + logits + pooled
    )


def test_activations_grow_with_what_an_attention_keeps():
    def activations(attention: str, placement: str = "auto") -> int:
        model = create_model("resnet50", num_classes=10, attention=attention, placement=placement)
        return summarise(model, image_size=64)["totals"]["activation_bytes"]

    plain = activations("none")
    assert plain == activations("simam", "none") == activations("se", "none")
    # SimAM stands at the inner width, the others at the outer, which is four times as wide.
    gated = activations("simam") - plain
    assert gated > 0
    assert activations("ge") - plain > gated
    assert activations("se") > activations("ge")
