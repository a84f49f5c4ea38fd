"""Files from elsewhere: what they are and hold is looked at before they are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

from dgflow_core.errors import UserError


def check(name: str, path: Path, limit: int) -> None:
    """See that ``path`` is a regular file of at most ``limit`` bytes, also once it is unpacked.

    Args:
        name: what the file is to the person who gave it, for messages.

    Raises:
        UserError: it is none, cannot be read, or holds more; one sentence.
    """
    large = f"{name}: {path.name!r} holds more than {limit // 2**20:,} MiB."
    try:
        if not path.exists():
            raise UserError(f"{name}: there is no file {str(path)!r}.")
        if not path.is_file():
            raise UserError(f"{name}: {path.name!r} is not a file.")
        if path.stat().st_size > limit:
            raise UserError(large)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > limit:
                    raise UserError(large)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name}: {path.name!r} cannot be read ({type(error).__name__}).") from None
