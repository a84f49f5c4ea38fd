"""What a person sees. Nothing here does maths; nothing in ``dgflow_core`` knows of it."""

import os

# Read when PyTorch is first loaded: a thread without work sleeps. By default it spins, which on cores that
# several people share makes a product of small matrices cost twenty times its own time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
