"""Sample pictures: three sizes, an order without gaps, whenever the process dies."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfyui_curator.store.engine import Database
from comfyui_curator.store.errors import ChangedMeanwhile, NotFound, TooLarge, WrongType
from comfyui_curator.store.events import Events
from comfyui_curator.store.sample_tiers import base_size, tier_size
from comfyui_curator.store.samples import SAMPLES, Samples
from tests.dying import deaths
from tests.library_storm import storm

SHA = "ab" * 32
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


def picture(
    colour: tuple[int, ...] = RED, size: tuple[int, int] = (12, 8), kind: str = "PNG", **how: Any
) -> bytes:
    target = io.BytesIO()
    mode = "RGB" if len(colour) == 3 else "RGBA"
    Image.new(mode, size, colour).save(target, kind, **how)
    return target.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A small PNG that says it has so many pixels."""
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "database", (SAMPLES,)) as database:
        yield database


@pytest.fixture
def samples(tmp_path: Path, database: Database) -> Iterator[Samples]:
    samples = Samples(database, tmp_path / "samples", Events())
    yield samples
    samples.close()


def opened(samples: Samples, seq: int, quality: str = "high", key: str = SHA) -> Image.Image:
    return Image.open(io.BytesIO(samples.file(key, seq, quality).path.read_bytes()))


def colours(samples: Samples, key: str = SHA) -> list[str]:
    """Of each picture the channel that it is made of, in order."""
    found: list[str] = []
    for seq in range(samples.count(key)):
        pixel = opened(samples, seq, key=key).convert("RGB").getpixel((0, 0))
        assert isinstance(pixel, tuple)
        found.append("rgb"[pixel.index(max(pixel))])
        for quality in ("medium", "low"):
            assert opened(samples, seq, quality, key).convert("RGB").getpixel((0, 0)) is not None
    return found


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


class TestTiers:
    @pytest.mark.parametrize(
        ("given", "sizes"),
        [
            ((3000, 2000), [(1732, 1154), (1143, 761), (571, 380)]),
            ((2000, 1000), [(2000, 1000), (1320, 660), (660, 330)]),
            ((1, 3), [(1, 3), (1, 1), (1, 1)]),
            ((20_000, 50), [(16_383, 40), (10_812, 26), (5_406, 13)]),
        ],
    )
    def test_sizes_are_hikaze_s_and_at_least_one_pixel(
        self, given: tuple[int, int], sizes: list[tuple[int, int]]
    ) -> None:
        base = base_size(*given)
        assert [tier_size(base, share) for share in (1, 0.66, 0.33)] == sizes

    def test_each_quality_has_its_size_and_anything_else_means_high(self, samples: Samples) -> None:
        samples.add(SHA, picture(size=(100, 50)))
        sizes = {quality: opened(samples, 0, quality).size for quality in ("high", "medium", "low")}
        assert sizes == {"high": (100, 50), "medium": (66, 33), "low": (33, 16)}
        assert opened(samples, 0, "huge").size == (100, 50)

    def test_a_picture_stands_upright_and_tells_nothing(self, samples: Samples) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010E] = "a secret"
        samples.add(SHA, picture(size=(40, 20), kind="JPEG", exif=exif, icc_profile=b"profile"))
        image = opened(samples, 0)
        assert image.size == (20, 40)
        assert not dict(image.getexif())
        assert "icc_profile" not in image.info

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
    def test_every_kind_of_colours_is_taken(self, samples: Samples, mode: str) -> None:
        target = io.BytesIO()
        Image.new(mode, (8, 8)).save(target, "JPEG" if mode == "CMYK" else "PNG")
        samples.add(SHA, target.getvalue())
        assert opened(samples, 0).format == "WEBP"

    def test_of_an_animation_the_first_frame_is_taken(self, samples: Samples) -> None:
        target = io.BytesIO()
        frames = [Image.new("RGB", (8, 8), colour) for colour in (GREEN, RED)]
        frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
        samples.add(SHA, target.getvalue())
        assert colours(samples) == ["g"]

    @pytest.mark.parametrize("data", [b"", b"text", picture()[:45], b"\x00" * 100])
    def test_what_is_no_picture_is_refused_and_leaves_nothing(
        self, samples: Samples, tmp_path: Path, data: bytes
    ) -> None:
        with pytest.raises(WrongType):
            samples.add(SHA, data)
        assert samples.count(SHA) == 0
        assert files(tmp_path / "samples") == 0

    def test_too_many_pixels_are_refused(self, samples: Samples) -> None:
        with pytest.raises(TooLarge):
            samples.add(SHA, claiming(10_000, 8_001))


class TestOrder:
    def test_the_same_picture_again_is_the_one_that_is_there(self, samples: Samples) -> None:
        assert [samples.add(SHA, picture(colour)) for colour in (RED, GREEN, RED)] == [0, 1, 0]
        assert samples.add(SHA, picture(GREEN, kind="PNG", compress_level=0)) == 1
        assert samples.count(SHA) == 2

    def test_pictures_at_once_are_all_there_once(self, samples: Samples) -> None:
        given = [picture((shade * 12, 0, 0)) for shade in range(6)] * 2
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(samples.add, SHA, data) for data in given]
        places = [each.result() for each in asked]
        assert sorted(places[:6]) == list(range(6))
        assert places[:6] == places[6:]

    def test_deleting_moves_the_later_ones_up(self, samples: Samples, tmp_path: Path) -> None:
        for colour in (RED, GREEN, BLUE):
            samples.add(SHA, picture(colour))
        samples.delete(SHA, 1)
        assert colours(samples) == ["r", "b"]
        assert files(tmp_path / "samples") == 6
        with pytest.raises(NotFound):
            samples.delete(SHA, 2)
        with pytest.raises(NotFound):
            samples.delete("cd" * 32, 0)

    def test_with_its_tag_a_picture_is_deleted_once_however_often_it_is_asked(
        self, samples: Samples
    ) -> None:
        for colour in (RED, GREEN, BLUE):
            samples.add(SHA, picture(colour))
        tag = samples.file(SHA, 0, "medium").etag
        for _ in range(3):
            samples.delete(SHA, 0, {tag})
        assert colours(samples) == ["g", "b"]
        with pytest.raises(ChangedMeanwhile):
            samples.delete(SHA, 0, {samples.file(SHA, 1, "low").etag})
        with pytest.raises(ChangedMeanwhile):
            samples.delete(SHA, 0, {"nonsense"})
        assert samples.count(SHA) == 2

    def test_a_removed_picture_comes_back_only_when_a_person_brings_it(
        self, samples: Samples
    ) -> None:
        samples.add(SHA, picture())
        samples.delete(SHA, 0)
        assert samples.add(SHA, picture(), again=False) == -1
        assert samples.add(SHA, picture()) == 0

    def test_pictures_of_two_keys_become_one_row_without_twins(
        self, samples: Samples, tmp_path: Path
    ) -> None:
        samples.add(SHA, picture(RED))
        samples.add(SHA, picture(GREEN))
        samples.add("p-1", picture(GREEN))
        samples.add("p-1", picture(BLUE))
        samples.take_over("p-1", SHA)
        assert colours(samples) == ["r", "g", "b"]
        assert samples.count("p-1") == 0
        assert files(tmp_path / "samples") == 9

    def test_dropping_a_key_removes_its_files(
        self, samples: Samples, database: Database, tmp_path: Path
    ) -> None:
        samples.add(SHA, picture(RED))
        with database.transaction():
            samples.drop(SHA)
        assert samples.count(SHA) == 0
        samples.tidy(SHA)
        assert files(tmp_path / "samples") == 0


class TestDying:
    """The process is killed at every step that it takes on the disk."""

    @pytest.fixture
    def full_root(self, tmp_path: Path) -> Path:
        root = tmp_path / "full"
        with Database.open(root / "database", (SAMPLES,)) as database:
            samples = Samples(database, root / "samples", Events())
            samples.add(SHA, picture(RED))
            samples.add(SHA, picture(GREEN))
            samples.close()
        (root / "new.png").write_bytes(picture(BLUE))
        return root

    @pytest.mark.parametrize(
        ("act", "seen"), [("add-sample", {"rg", "rgb"}), ("delete-sample", {"g"})]
    )
    def test_at_no_step_there_is_half_a_picture_or_a_gap(
        self, full_root: Path, tmp_path: Path, act: str, seen: set[str]
    ) -> None:
        def make(step: int) -> Path:
            return Path(shutil.copytree(full_root, tmp_path / f"root{step}"))

        found: set[str] = set()
        for root in deaths(act, make):
            with Database.open(root / "database", (SAMPLES,)) as database:
                samples = Samples(database, root / "samples", Events())
                found.add("".join(colours(samples)))
                assert files(root / "samples") == 3 * samples.count(SHA)
                samples.close()
        assert found <= seen
        assert found


def test_a_library_that_is_killed_while_people_work_loses_nothing(tmp_path: Path) -> None:
    storm(tmp_path / "root", 2)
