"""The one place that picks a device, and says in words what it is."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from dgflow_core.errors import UserError

CHOICES = ("auto", "cpu", "cuda", "mps")


def pick(device: str | torch.device = "auto") -> torch.device:
    """Turn ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"`` into a device that is present.

    ``"auto"`` prefers CUDA, then MPS, then the CPU.

    Raises:
        UserError: the name is not one of the four, or that device is not on this machine.
    """
    if isinstance(device, torch.device):
        return device
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    name = device.split(":")[0]
    if name not in CHOICES:
        raise UserError(f"device must be one of {', '.join(CHOICES)}, not {device!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is 'cuda', but no CUDA device is present; use 'auto' or 'cpu'.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise UserError("device is 'mps', but no MPS device is present; use 'auto' or 'cpu'.")
    return torch.device(device)


def processor() -> str:
    """The processor's name, as far as it tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def title(device: torch.device) -> str:
    """What computes on ``device``: "AMD EPYC, 2 threads", "NVIDIA H200"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"graphics of {processor()}"
    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' if threads > 1 else ''}"
