"""MP4: one frame a step, as H.264."""

from __future__ import annotations

from pathlib import Path

import imageio.v2 as imageio

from dgflow_core.pictures.formats.declaration import ANIMATED, Format, Watch
from dgflow_core.pictures.picture import Picture, paint
from dgflow_core.pictures.sheet import Look


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write a video that every browser and slide program plays, (steps + 1) / fps seconds long."""
    with imageio.get_writer(
        path,
        format="FFMPEG",
        fps=look.fps,
        codec="libx264",
        quality=None,
        macro_block_size=2,
        ffmpeg_log_level="error",
        output_params=["-crf", "18", "-preset", "veryfast", "-movflags", "+faststart"],
    ) as video:
        for frame in watch.frames(paint(picture, look)):
            video.append_data(frame)


#: Some minutes of one processor.
PIXELS = 3_000_000_000
FORMAT = Format("mp4", "MP4 video", "video/mp4", write, options=ANIMATED, pixels=PIXELS, order=20)
