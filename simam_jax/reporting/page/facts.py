"""Under what circumstances runs were made, for the head of the page."""

from collections.abc import Mapping
from typing import Any

from simam_jax.reporting.page.numbers import count
from simam_jax.reporting.page.run_files import RunFiles


def facts(run: RunFiles) -> list[tuple[str, str]]:
    """(name, value) of what matters most, as far as the run's files say."""
    data, schedule, optimizer = (run.config.get(section, {}) for section in ("data", "schedule", "optimizer"))
    found = [
        ("data", data.get("dir", "")),
        ("image size", f"{data['image_size']} × {data['image_size']}" if "image_size" in data else ""),
        ("epochs", _said(run.config.get("epochs"))),
        ("batch size", _said(run.config.get("batch_size"))),
        (
            "optimizer",
            f"{optimizer.get('name', '')}, {_said(schedule.get('name'))} from {schedule.get('learning_rate')}",
        ),
        ("best epoch chosen on", run.selection),
        ("devices", _devices(run.facts.get("devices", {}))),
        ("versions", _versions(run.facts.get("versions", {}))),
    ]
    return [(name, value) for name, value in found if value]


def _said(value: object) -> str:
    return "" if value is None else count(value) if isinstance(value, int) else str(value)


def _devices(found: Mapping[str, Any]) -> str:
    return f"{found.get('count', 1)} × {found['kind']}" if "kind" in found else ""


def _versions(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {found[name]}" for name in ("simam-jax", "jax", "flax") if name in found)
