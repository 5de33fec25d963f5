"""Videos: their size, length and sound, and one frame that stands for them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import WrongType
from .media import MAX_PIXELS, Media, check_pixels, format_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL import Image

_PIXELS_LOOKED_AT = 1_500_000_000
_PIXELS_A_PACKET = 2_500_000
"""What a packet counts at least: of small videos 600 are looked at."""


def probe_video(path: Path) -> Media:
    """Size, seconds and sound. Raises WrongType without a picture track, TooLarge."""
    with _opened(path) as (container, stream):
        turned = _rotation(_first(container, stream)) in (90, 270)
        width, height = stream.codec_context.width, stream.codec_context.height
        return Media(
            format_of(path),
            height if turned else width,
            width if turned else height,
            _seconds(container, stream),
            bool(container.streams.audio),
        )


def video_texts(path: Path) -> dict[str, str]:
    """The texts beside the tracks, by name in lower case. Raises WrongType."""
    with _opened(path) as (container, stream):
        texts = {**stream.metadata, **container.metadata}
        return {name.lower(): text for name, text in texts.items()}


def video_frame(path: Path) -> Image.Image:
    """The frame at one second, or in the middle of a shorter video. Raises WrongType."""
    with _opened(path) as (container, stream):
        seconds = _seconds(container, stream)
        target = 1.0 if seconds is None or seconds >= 2 else seconds / 2
        chosen: Any = None
        for frame in _frames(container, stream):
            chosen = frame
            if (frame.time or 0.0) >= target:
                break
        if chosen is None:
            raise _frameless()
        image: Image.Image = chosen.to_image()
        rotation = _rotation(chosen)
        return image.rotate(rotation, expand=True) if rotation else image


@contextmanager
def _opened(path: Path) -> Generator[tuple[InputContainer, VideoStream], None, None]:
    import av
    import av.error

    kind = format_of(path)
    if kind.kind != "video":
        raise WrongType("This is a picture, not a video.")
    container: InputContainer | None = None
    # A video may grow from one frame to the next: the decoder itself is to refuse that.
    limits = {"max_pixels": str(MAX_PIXELS)}
    try:
        # The demuxer is named, so that no playlist dressed as a video makes it open other files.
        tolerance = _tolerance(av.__version__)
        container = av.open(str(path), "r", format=kind.decoder, options=limits, **tolerance)
        if not container.streams.video:
            raise _frameless()
        stream = container.streams.video[0]
        check_pixels(stream.codec_context.width, stream.codec_context.height)
        stream.codec_context.options = limits
        yield container, stream
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise WrongType("The video is broken or incomplete.") from error
    finally:
        if container is not None:
            container.close()


def _tolerance(version: str) -> dict[str, Any]:
    """PyAV before 19 refuses a video whose title is no UTF-8, unless it is told not to."""
    return {"metadata_errors": "ignore"} if int(version.split(".")[0]) < 19 else {}


def _first(container: InputContainer, stream: VideoStream) -> VideoFrame:
    for frame in _frames(container, stream):
        return frame
    raise _frameless()


def _frames(container: InputContainer, stream: VideoStream) -> Generator[VideoFrame, None, None]:
    """The frames from the beginning, until they have cost enough; hidden ones cost as much."""
    left = _PIXELS_LOOKED_AT
    for packet in container.demux(stream):
        yield from packet.decode()
        codec = stream.codec_context
        left -= max(codec.width * codec.height, _PIXELS_A_PACKET)
        if left <= 0:
            return


def _seconds(container: InputContainer, stream: VideoStream) -> float | None:
    if container.duration is not None:
        return round(container.duration / 1_000_000, 3)
    if stream.duration is not None and stream.time_base is not None:
        return round(float(stream.duration * stream.time_base), 3)
    return None


def _rotation(frame: VideoFrame) -> int:
    """Degrees that the frame is to be turned against the clock."""
    return int(frame.rotation) % 360


def _frameless() -> WrongType:
    return WrongType("The video has no frames.")
