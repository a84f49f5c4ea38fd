"""What a person sees. Nothing here does maths; nothing in ``dgflow_core`` knows of it."""
