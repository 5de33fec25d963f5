"""Short videos encoded with PyAV: real streams, a second long."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any, cast

import av

from .pictures import draw

FRAMES, RATE = 12, 12


def mp4(salt: str, width: int, height: int) -> bytes:
    """H.264 in MP4, as CivitAI serves videos."""
    return _encoded(salt, width, height, "mp4", "libx264", {"preset": "ultrafast"})


def webm(salt: str, width: int, height: int) -> bytes:
    """VP9 in WebM, which a Chromium without licensed codecs plays too."""
    speed = {"deadline": "realtime", "cpu-used": "8"}
    return _encoded(salt, width, height, "webm", "libvpx-vp9", speed)


def frameless() -> bytes:
    """An MP4 that announces a video stream and holds no frame of it."""
    target = io.BytesIO()
    with _opened(target, "mp4", {"movflags": "empty_moov+frag_keyframe"}) as container:
        _add_stream(container, "libx264", 320, 240, {})
        container.start_encoding()
    return target.getvalue()


def _encoded(
    salt: str, width: int, height: int, form: str, codec: str, options: dict[str, str]
) -> bytes:
    target = io.BytesIO()
    # Without this a WebM carries a random id, an MP4 the encoder's name.
    with _opened(target, form, {"fflags": "+bitexact"}) as container:
        stream = _add_stream(container, codec, width, height, options)
        for number in range(FRAMES):
            picture = draw(salt, width, height, turn=number / FRAMES)
            frame: Any = cast(Any, av.VideoFrame).from_image(picture)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target.getvalue()


def _opened(target: io.BytesIO, form: str, options: dict[str, str]) -> Any:
    """PyAV's container; its own annotations are too loose for strict checking."""
    return cast(Any, av).open(target, "w", format=form, options=options)


def _add_stream(
    container: Any, codec: str, width: int, height: int, options: dict[str, str]
) -> Any:
    stream = container.add_stream(codec, rate=RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    # One thread: with more the encoder's output may differ from run to run.
    stream.codec_context.thread_count = 1
    stream.time_base = Fraction(1, RATE)
    return stream
