"""What a file truly is, whatever it is called, and its thumbnail."""

from __future__ import annotations

import importlib
import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_curator.store import videos
from comfyui_curator.store.errors import StoreClosed, TooLarge, WrongType
from comfyui_curator.store.media import sniff
from comfyui_curator.store.thumbnails import Decoder, examine
from comfyui_curator.store.videos import video_frame
from tests.galleries import bomb

STILL = Image.effect_noise((400, 600), 60).convert("RGB")


def saved(form: str, image: Image.Image = STILL, **how: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **how)
    return target.getvalue()


def video(path: Path, frames: int, *, size: tuple[int, int] = (160, 120), **how: Any) -> None:
    """A film whose frame n is of the grey n; 24 frames a second."""
    av: Any = importlib.import_module("av")
    container = av.open(str(path), "w", format=how.get("form", "mp4"))
    stream = container.add_stream(how.get("codec", "mpeg4"), rate=24) if frames else None
    track = container.add_stream("aac", rate=44_100) if how.get("sound") else None
    if stream:
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            grey = min(number * 4, 250)
            frame = av.VideoFrame.from_image(Image.new("RGB", size, (grey, grey, grey)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if track:
        sound = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        sound.sample_rate, sound.pts, sound.time_base = 44_100, 0, Fraction(1, 44_100)
        for plane in sound.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(track.encode(sound))
        container.mux(track.encode())
    container.close()


def shown(path: Path) -> Image.Image:
    """The picture in a file, its format in `info`."""
    image = Image.open(path)
    try:
        image.load()
        found = image.copy()
        found.info["format"] = image.format
        return found
    finally:
        image.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A name that says nothing about the content."""
    return tmp_path / "file.png"


@pytest.fixture
def thumb(tmp_path: Path) -> Path:
    return tmp_path / "thumb.webp"


@pytest.mark.parametrize(
    ("form", "how", "ext"),
    [
        ("PNG", {}, ".png"),
        ("JPEG", {}, ".jpeg"),
        ("WEBP", {}, ".webp"),
        ("WEBP", {"save_all": True, "append_images": [STILL.rotate(90)]}, ".webp"),
        ("GIF", {}, ".gif"),
    ],
)
def test_pictures_are_told_by_their_bytes(
    path: Path, thumb: Path, form: str, how: dict[str, Any], ext: str
) -> None:
    path.write_bytes(saved(form, **how))
    media = examine(path, thumb)
    assert (media.format.ext, media.format.kind) == (ext, "image")
    assert (media.width, media.height) == (400, 600)
    small = shown(thumb)
    assert small.info["format"] == "WEBP"
    assert small.size == (320, 480)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_colour_mode_have_a_thumbnail(path: Path, thumb: Path, mode: str) -> None:
    if mode == "I;16":
        Image.new(mode, (400, 400), 30_000).save(path, "PNG")
    else:
        form = "JPEG" if mode == "CMYK" else "PNG"
        path.write_bytes(saved(form, STILL.convert(mode)))
    examine(path, thumb)
    small = shown(thumb)
    if mode == "I;16":
        assert small.convert("L").getpixel((9, 9)) == pytest.approx(117, abs=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_thumbnail_stands_upright(path: Path, thumb: Path, orientation: int) -> None:
    upright = Image.new("RGB", (600, 900), "blue")
    upright.paste("red", (0, 0, 300, 450))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.write_bytes(saved("JPEG", stored, exif=exif))
    media = examine(path, thumb)
    assert (media.width, media.height) == (600, 900)
    small = shown(thumb)
    assert small.size == (320, 480)
    pixel = small.convert("RGB").resize((2, 2)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    red, blue = pixel[0], pixel[2]
    assert red > blue


def test_small_pictures_are_not_made_larger(path: Path, thumb: Path) -> None:
    path.write_bytes(saved("PNG", Image.new("RGB", (7, 1))))
    examine(path, thumb)
    assert shown(thumb).size == (7, 1)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_truncated_picture_is_refused(path: Path, thumb: Path, form: str, share: float) -> None:
    data = saved(form)
    path.write_bytes(data[: max(20, int(len(data) * share))])
    with pytest.raises(WrongType):
        examine(path, thumb)
    assert not thumb.exists()


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_000), (2**31 - 1, 1)])
def test_a_picture_bomb_is_refused_before_it_is_decoded(
    path: Path, thumb: Path, size: tuple[int, int]
) -> None:
    path.write_bytes(bomb(*size))
    with pytest.raises(TooLarge):
        examine(path, thumb)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        b"BM" + bytes(100),
        b"\0\0\0\x18ftypheic" + bytes(100),
        b"#EXTM3U\nfile:///etc/passwd",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"\0\0\0\x18ftypisom" + bytes(100),
        b"\0\0\0\x18ftypavif" + bytes(100),
        b"\x1a\x45\xdf\xa3" + bytes(100),
    ],
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(
    path: Path, thumb: Path, data: bytes
) -> None:
    path.write_bytes(data)
    with pytest.raises(WrongType):
        examine(path, thumb)


def test_a_polyglot_is_only_what_its_first_bytes_say() -> None:
    found = sniff(saved("GIF")[:64] + b"<script>alert(1)</script>")
    assert found is not None
    assert found.content_type == "image/gif"


@pytest.mark.parametrize(
    ("form", "codec", "ext"), [("mp4", "mpeg4", ".mp4"), ("webm", "libvpx", ".webm")]
)
def test_a_video_is_measured(path: Path, thumb: Path, form: str, codec: str, ext: str) -> None:
    video(path, 48, form=form, codec=codec)
    media = examine(path, thumb)
    assert (media.format.ext, media.format.kind) == (ext, "video")
    assert (media.width, media.height) == (160, 120)
    assert media.duration == pytest.approx(2, abs=0.1)
    assert not media.audio


def test_a_video_with_sound_says_so(path: Path, thumb: Path) -> None:
    video(path, 10, sound=True)
    assert examine(path, thumb).audio


@pytest.mark.parametrize(("frames", "grey"), [(60, 96), (24, 48), (1, 0)])
def test_the_frame_is_at_one_second_or_in_the_middle(path: Path, frames: int, grey: int) -> None:
    video(path, frames)
    grey_shown = video_frame(path).convert("L").getpixel((100, 100))
    assert grey_shown == pytest.approx(grey, abs=12)


def test_a_video_without_a_picture_track_is_refused(path: Path, thumb: Path) -> None:
    video(path, 0, sound=True)
    with pytest.raises(WrongType, match="no frames"):
        examine(path, thumb)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_truncated_video_is_refused(path: Path, thumb: Path, share: float) -> None:
    video(path, 48)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(WrongType):
        examine(path, thumb)


def test_a_closed_decoder_takes_nothing_any_more() -> None:
    decoder = Decoder()
    assert decoder.run(lambda: 5) == 5
    decoder.close()
    with pytest.raises(StoreClosed):
        decoder.run(lambda: 5)


def test_a_jpeg_that_paints_itself_over_and_over_is_refused(path: Path, thumb: Path) -> None:
    data = saved("JPEG", Image.new("RGB", (4000, 4000)), progressive=True, quality=1)
    scan = data[data.rindex(b"\xff\xda") : -2]
    path.write_bytes(data[:-2] + scan * 120 + data[-2:])
    with pytest.raises(TooLarge):
        examine(path, thumb)
    path.write_bytes(data)
    assert examine(path, thumb).width == 4000


def grown(path: Path, small: int, large: int) -> None:
    """A video that says it is small, and whose second frame is not."""
    av: Any = importlib.import_module("av")
    frames: list[bytes] = []
    for side in (small, large):
        with av.open(io.BytesIO(), "w", format="webm") as container:
            stream = container.add_stream("libvpx-vp9", rate=10, options={"cpu-used": "8"})
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
            picture = av.VideoFrame.from_image(Image.new("RGB", (side, side)))
            packets = [*stream.encode(picture), *stream.encode()]
            frames.append(bytes(packets[0]))
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=10)
        stream.width, stream.height, stream.pix_fmt = small, small, "yuv420p"
        for number, data in enumerate([*frames, frames[0]]):
            packet = av.Packet(data)
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = number * 400
            packet.time_base = Fraction(1, 1000)
            container.mux(packet)


def test_a_video_that_grows_beyond_the_limit_is_refused(
    path: Path, thumb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(path, 64, 640)
    assert examine(path, thumb).width in (64, 640)
    # To make one of 80 million pixels takes ten seconds.
    monkeypatch.setattr(videos, "MAX_PIXELS", 640 * 640 - 1)
    with pytest.raises((WrongType, TooLarge)):
        examine(path, thumb)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "The file is empty."),
        (b"words", "The file is no picture and no video that is known here."),
    ],
)
def test_what_is_no_picture_is_said_in_plain_words(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(WrongType) as raised:
        examine(path, tmp_path / "thumb")
    assert raised.value.text == text
