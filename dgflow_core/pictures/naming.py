"""What a run is called: in a heading, in a file name, as settings."""

from __future__ import annotations

import json
import re

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.methods import methods
from dgflow_core.zoo import shelf


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
    for name, info in method.Settings.model_fields.items() if method else ():
        value = settings.get(name)
        if name not in ("steps", "divergence") and value is not None:
            parts.append(f"{info.json_schema_extra['symbol']} = {_plain(value)}")
    if "until" in settings:
        parts.append(f"until {settings['until']}")
    parts += [f"{trajectory.steps} steps", f"{settings.get('space', 'data')} space"]
    parts.append(f"seed {settings.get('seed', 0)}")
    return ", ".join(parts)


def filename(trajectory: Trajectory, suffix: str) -> str:
    """A file name that says what is inside: model, method, f, step size, noise, steps, seed.

    >>> filename(t, "gif")
    '25gaussians-wgan-gp_dgflow-KL_eta0.01_gamma0.01_steps100_seed0.gif'
    """
    settings = trajectory.settings
    method = "-".join(str(settings[key]) for key in ("method", "divergence") if key in settings)
    parts = [str(trajectory.provenance.get("model", "")).replace("/", "-"), method]
    if settings.get("space") == "latent":
        parts.append("latent")
    known = methods.get(settings.get("method"))
    for name in known.Settings.model_fields if known else ():
        value = settings.get(name)
        if name not in ("steps", "divergence") and value is not None:
            parts.append(f"{name.replace('_', '-')}{_plain(value)}")
    if "until" in settings:
        parts.append(f"until-{settings['until']}")
    parts += [f"steps{trajectory.steps}", f"seed{settings.get('seed', 0)}"]
    if trajectory.provenance.get("logit_offset") == 0:
        parts.append("raw")
    stem = "_".join(re.sub(r"[^\w.-]+", "-", part).strip("-.") for part in parts if part)
    return f"{stem}.{suffix.lstrip('.')}"


def settings_json(trajectory: Trajectory) -> str:
    """Settings and provenance of a run as JSON; ``dg.refine(model, **settings)`` runs it again."""
    content = {
        "settings": trajectory.settings, "provenance": trajectory.provenance,
        "ended": trajectory.ended, "message": trajectory.message,
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
