"""What a run is called: in a heading, in a file name, as settings."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Protocol

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.methods import Method, methods
from dgflow_core.zoo import shelf


class Saved(Protocol):
    """A picture of runs."""

    runs: Any


def title(trajectory: Trajectory) -> str:
    """The method of a run, such as "DGflow (KL)"."""
    settings = trajectory.settings
    method = methods.get(settings.get("method"))
    name = method.title if method else str(settings.get("method", "Run"))
    return f"{name} ({settings['divergence']})" if "divergence" in settings else name


def model_title(trajectory: Trajectory) -> str:
    """The model of a run as people read it; its plain name where it is not a shipped one."""
    name = trajectory.provenance.get("model", "")
    return shelf.describe(name)["title"] if name in shelf.models() else name


def heading(trajectory: Trajectory, model: str) -> str:
    """Method and model (its title): "DGflow (KL) on 25 Gaussians" for the usual model of a data set."""
    if not model:
        return title(trajectory)
    plain = model.removeprefix("WGAN-GP on ")
    return title(trajectory) + (f" on {plain}" if plain != model else f", {model}")


def subtitle(trajectory: Trajectory) -> str:
    """The settings of a run in one line: "η = 0.01, γ = 0.01, 100 steps, data space, seed 0"."""
    settings = trajectory.settings
    method = methods.get(settings.get("method"))
    parts = []
    for name, value in _said(method, settings):
        parts.append(f"{method.Settings.model_fields[name].json_schema_extra['symbol']} = {value}")
    if "until" in settings:
        parts.append(f"until {settings['until']}")
    parts += [f"{trajectory.steps} steps", f"{settings.get('space', 'data')} space"]
    parts.append(f"seed {settings.get('seed', 0)}")
    return ", ".join(parts)


def _said(method: Method | None, settings: dict) -> list[tuple[str, str]]:
    """The settings of a run that are its own, beside steps and f, and their values in words."""
    fields = method.Settings.model_fields if method else ()
    own = [name for name in fields if name not in ("steps", "divergence")]
    return [(name, _plain(settings[name])) for name in own if settings.get(name) is not None]


def filename(what: Trajectory | Transcript | Saved, suffix: str) -> str:
    """A file name that says what is inside: model, method, f, step size, noise, steps, seed.

    >>> filename(t, "gif")
    '25gaussians-wgan-gp_dgflow-KL_eta0.01_gamma0.01_steps100_seed0.gif'

    Several runs are named by their methods: ``…_dgflow-KL-vs-dot_steps100_seed0.gif``.
    """
    runs = getattr(what, "runs", None) or (what,)
    first = runs[0]
    settings = first.settings
    parts = [str(first.provenance.get("model", "")).replace("/", "-")]
    parts.append("-vs-".join(dict.fromkeys(map(_method, runs)))[:80])
    if settings.get("space") == "latent":
        parts.append("latent")
    known = methods.get(settings.get("method")) if len(runs) == 1 else None
    parts += [f"{name.replace('_', '-')}{value}" for name, value in _said(known, settings)]
    if "until" in settings:
        parts.append(f"until-{settings['until']}")
    parts += [f"steps{max(run.steps for run in runs)}", f"seed{settings.get('seed', 0)}"]
    if _raw(first):
        parts.append("raw")
    stem = "_".join(re.sub(r"[^\w.-]+", "-", part).strip("-.") for part in parts if part)
    return f"{stem}.{suffix.lstrip('.')}"


def _method(run: Trajectory | Transcript) -> str:
    return "-".join(str(run.settings[key]) for key in ("method", "divergence") if key in run.settings)


def _raw(run: Trajectory | Transcript) -> bool:
    return run.provenance.get("logit_offset") == 0


def content(run: Trajectory | Transcript) -> dict[str, Any]:
    """Settings and provenance of a run, and what runs it again to equal positions.

    "again" holds the model's name, whether its critic was raw, the field that d and ∇d came from, and the
    command; the command is None for starting points of somebody's own, which no settings can bring back.
    """
    return {
        "settings": run.settings,
        "provenance": run.provenance,
        "again": {
            "model": run.provenance.get("model", ""),
            "raw": _raw(run),
            "field": run.provenance.get("field", "exact"),
            "command": None if run.provenance.get("own_start") else _command(run),
        },
        "ended": run.ended,
        "message": run.message,
    }


def _command(run: Trajectory | Transcript) -> str:
    words = ["python", "-m", "dgflow_core", "refine", str(run.provenance.get("model", ""))]
    words += ["--field", str(run.provenance.get("field", "exact"))]
    words += ["--raw"] if _raw(run) else []
    for name, value in run.settings.items():
        words += [f"--{name.replace('_', '-')}", "none" if value is None else str(value)]
    return shlex.join(words)


def settings_json(run: Trajectory | Transcript) -> str:
    """Settings and provenance of a run as JSON, with what runs it again."""
    return json.dumps(content(run), indent=2, ensure_ascii=False) + "\n"


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
