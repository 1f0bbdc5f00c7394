"""How training went, epoch by epoch."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from simam_jax.reporting.page.axis import percent_axis, round_axis
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.curves import Curve, curve
from simam_jax.reporting.page.line_chart import Line, draw_lines
from simam_jax.reporting.page.numbers import percent, plain, several
from simam_jax.reporting.page.run_files import RunFiles
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Column, Table, number
from simam_jax.reporting.page.variant import Variant, by_network

# Rows of the table that a chart unfolds to, about.
_ROWS = 10
Named = tuple[str, int, Curve | None]  # a line's name, its style, its points


def study_curves(variants: Sequence[Variant]) -> Section | None:
    """Of each network: loss and accuracy in training, accuracies in evaluation, a line an attention."""
    networks = []
    for network, group in by_network(variants).items():
        runs = [run for variant in group for run in variant.runs]
        if not runs:
            continue
        split = runs[0].selection
        charts = [
            _chart(title, [(v.attention, v.style, curve(v.runs, name)) for v in group], loss=name.endswith("loss"))
            for title, name in (
                ("Training loss", "train/loss"),
                ("Training accuracy, %", "train/accuracy"),
                (f"Accuracy on {split}, %", f"{split}/accuracy"),
                (f"Balanced accuracy on {split}, %", f"{split}/balanced_accuracy"),
            )
        ]
        legend = [(v.attention, v.style, several(len(v.runs), "seed")) for v in group]
        networks.append((network, legend, [chart for chart in charts if chart], _last_epochs(group)))
    values = {"networks": networks, "of_seeds": True}
    return Section("curves", "Learning curves", "curves.html", values) if networks else None


def run_curves(run: RunFiles) -> Section | None:
    """Loss and accuracies of one run, those of training and of evaluation together."""
    split = run.selection
    losses: list[Named] = [("training", 0, curve([run], "train/loss")), (split, 1, curve([run], f"{split}/loss"))]
    accuracies: list[Named] = [
        ("training", 0, curve([run], "train/accuracy")),
        (split, 1, curve([run], f"{split}/accuracy")),
        (f"{split}, balanced", 2, curve([run], f"{split}/balanced_accuracy")),
    ]
    charts = [_chart("Loss", losses, loss=True), _chart("Accuracy, %", accuracies, loss=False)]
    shown = [chart for chart in charts if chart]
    legend = [(name, style, "") for name, style, found in accuracies if found]
    values = {"networks": [("", legend, shown, "")], "of_seeds": False}
    return Section("curves", "Learning curves", "curves.html", values) if shown else None


def _chart(title: str, curves: Sequence[Named], *, loss: bool) -> Chart | None:
    there = [(name, style, found) for name, style, found in curves if found]
    if not there:
        return None
    lowest = min(value for *_, found in there for value in found.low)
    highest = max(value for *_, found in there for value in found.high)
    up = round_axis(min(0.0, lowest), highest, plain) if loss else percent_axis(lowest, highest)
    first = min(found.epochs[0] for *_, found in there)
    last = max(found.epochs[-1] for *_, found in there)
    across = round_axis(first, last, lambda tick: f"{tick:.0f}", title="epoch", whole=True)
    lines = [Line(name, style, c.epochs, c.mean, *_band(c)) for name, style, c in there]
    say = plain if loss else percent
    said = "; ".join(
        f"{name}: {say(c.mean[0])} at epoch {c.epochs[0]}, {say(c.mean[-1])} at epoch {c.epochs[-1]}"
        for name, _, c in there
    )
    drawn: Markup = draw_lines(lines, across, up, label=f"{title} by epoch. {said}.")
    return Chart(title, drawn, numbers=_numbers(title, there, say))


def _band(found: Curve) -> tuple[list[float], list[float]]:
    return (found.low, found.high) if found.low != found.high else ([], [])


def _numbers(title: str, curves: Sequence[tuple[str, int, Curve]], say: Callable[[float], str]) -> Table:
    epochs = sorted({epoch for *_, found in curves for epoch in found.epochs})
    step = -(-len(epochs) // _ROWS)
    chosen = [*epochs[:-1:step], epochs[-1]]
    columns = [dict(zip(found.epochs, found.mean, strict=True)) for *_, found in curves]
    rows = [
        [number(epoch, str(epoch)), *(number(c.get(epoch), say(c[epoch]) if epoch in c else "") for c in columns)]
        for epoch in chosen
    ]
    return Table(f"{title}, mean", [Column("epoch"), *(Column(name) for name, *_ in curves)], rows)


def _last_epochs(group: Sequence[Variant]) -> str:
    changes = [
        f"{plain(found)} ({variant.attention})"
        for variant in group
        if (found := variant.figures.get("last_epochs_loss_change")) is not None
    ]
    return f"Over the last 5 epochs the training loss changed by {', '.join(changes)}." if changes else ""
