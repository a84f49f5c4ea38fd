"""The one place that picks a device."""

from __future__ import annotations

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
