"""Sample pictures over HTTP: each row with its errors, repeated and at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.answers import check_error
from tests.serving import RunningServer
from tests.shelves import library_server, picture, put_model, recorded, shown, upload

RED, GREEN, BLUE = picture((250, 0, 0)), picture((0, 250, 0)), picture((0, 0, 250))
NOBODY = "f" * 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with library_server(tmp_path_factory.mktemp("samples") / "root") as running:
        yield running


def uploaded(server: RunningServer, sha256: str, data: bytes) -> str:
    answer = upload(server, sha256, data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
    return answer.json()["base_name"]


def count(server: RunningServer, sha256: str) -> int:
    answer = server.get(f"/images/get_img_num?sha256={sha256}")
    assert server.get(f"/images/get_img_count?sha256={sha256}").json() == answer.json()
    return answer.json()["count"]


def order(server: RunningServer, sha256: str) -> str:
    """Of each picture the channel that it is made of; there must be no gap and no half picture."""
    found = ""
    for seq in range(count(server, sha256)):
        channels: set[str] = set()
        for quality in ("high", "medium", "low"):
            answer = server.get(f"/images/{sha256}_{seq}.webp?quality={quality}")
            assert answer.status_code == 200
            pixel = shown(answer.content).convert("RGB").getpixel((0, 0))
            assert isinstance(pixel, tuple)
            channels.add("rgb"[pixel.index(max(pixel))])
        found += channels.pop()
        assert not channels
    assert server.get(f"/images/{sha256}_{len(found)}.webp").status_code == 404
    return found


class TestUpload:
    def test_it_gets_the_next_number_and_is_webp_in_three_sizes(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        assert uploaded(server, sha256, picture(size=(100, 50))) == f"{sha256}_0"
        sizes: dict[str, tuple[int, int]] = {}
        for quality in ("high", "medium", "low", "", "best"):
            answer = server.get(f"/images/{sha256}_0.webp?quality={quality}")
            assert answer.headers["Content-Type"] == "image/webp"
            sizes[quality] = shown(answer.content).size
        assert sizes == {
            "high": (100, 50),
            "medium": (66, 33),
            "low": (33, 16),
            "": (100, 50),
            "best": (100, 50),
        }

    def test_the_same_picture_again_is_answered_by_its_own_name(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        names = [uploaded(server, sha256, data) for data in (RED, GREEN, RED)]
        assert names == [f"{sha256}_0", f"{sha256}_1", f"{sha256}_0"]
        assert order(server, sha256) == "rg"

    def test_at_once_each_gets_a_number_of_its_own(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        given = [RED, GREEN, BLUE] * 2
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(uploaded, server, sha256, data) for data in given]
        names = [each.result() for each in asked]
        assert sorted(names[:3]) == [f"{sha256}_{seq}" for seq in range(3)]
        assert names[:3] == names[3:]
        assert sorted(order(server, sha256)) == ["b", "g", "r"]

    def test_the_parts_come_in_any_order_and_the_hash_in_any_case(
        self, server: RunningServer
    ) -> None:
        _, sha256 = recorded(server)
        for parts in (
            [("sha256", (None, sha256.upper())), ("image", ("p.png", RED))],
            [("image", ("p.png", GREEN)), ("sha256", (None, f" {sha256} "))],
        ):
            assert server.post("/images/upload", files=parts).status_code == 200
        assert order(server, sha256) == "rg"

    def test_a_hash_that_no_model_has_is_allowed_and_makes_no_model(
        self, server: RunningServer
    ) -> None:
        assert uploaded(server, NOBODY, RED) == f"{NOBODY}_0"
        assert server.get(f"/models/{NOBODY}").status_code == 404
        assert count(server, NOBODY) == 1

    @pytest.mark.parametrize("key", ["../evil", "xyz", "", "a" * 63, "g" * 64, "place-unknown"])
    def test_what_is_no_hash_is_400(self, server: RunningServer, key: str) -> None:
        check_error(upload(server, key, RED), 400, "sha256")

    @pytest.mark.parametrize("data", [b"", b"text", RED[:40], b"<svg xmlns='x'/>"])
    def test_what_is_no_picture_is_415_and_leaves_nothing(
        self, server: RunningServer, data: bytes
    ) -> None:
        _, sha256 = put_model(server)
        check_error(upload(server, sha256, data), 415)
        assert count(server, sha256) == 0
        assert list((server.store.host.data / "samples").glob("*.part")) == []

    def test_a_missing_part_is_400_and_another_body_415(self, server: RunningServer) -> None:
        url = "/images/upload"
        check_error(server.post(url, files={"image": ("p.png", RED)}), 400, "sha256")
        check_error(server.post(url, files={"sha256": (None, NOBODY)}), 400, "image")
        check_error(server.post(url), 400, "image")
        check_error(server.post(url, json={"sha256": NOBODY}), 415)
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        check_error(server.post(url, data=b"--x\r\nnonsense", headers=headers), 400)
        headers = {"Content-Type": "multipart/form-data"}
        assert server.post(url, data=b"x", headers=headers).status_code == 400


class TestSend:
    def test_every_spelling_of_its_name_leads_to_it(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        uploaded(server, sha256, RED)
        uploaded(server, sha256, GREEN)
        first = server.get(f"/images/{sha256}_0.webp").content
        for name in (f"{sha256}.webp", sha256, f"{sha256.upper()}_0.webp", f"{sha256}_0"):
            assert server.get(f"/images/{name}").content == first
        second = server.get(f"/images/{sha256}_1.webp").content
        assert server.get(f"/images/{sha256}.webp?seq=1").content == second
        assert second != first

    def test_it_has_what_a_browser_needs(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        uploaded(server, sha256, RED)
        url = f"/images/{sha256}_0.webp?rev=1"
        whole = server.get(url)
        assert whole.headers["Cache-Control"] == "no-cache"
        assert "Last-Modified" in whole.headers
        tag = {"If-None-Match": whole.headers["ETag"]}
        assert server.get(url, headers=tag).status_code == 304
        part = server.get(url, headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"RIFF")

    @pytest.mark.parametrize(
        "name", [f"{'1' * 64}.webp", f"{NOBODY}_99.webp", "nonsense", "upload", "..%2f..%2fx", "_0"]
    )
    def test_what_there_is_not_is_404(self, server: RunningServer, name: str) -> None:
        assert server.get(f"/images/{name}").status_code == 404

    @pytest.mark.parametrize("seq", ["x", "-1", "1.5", "9" * 30])
    def test_a_place_that_is_no_number_is_400(self, server: RunningServer, seq: str) -> None:
        check_error(server.get(f"/images/{NOBODY}.webp?seq={seq}"), 400, "seq")


class TestCount:
    @pytest.mark.parametrize("key", ["1" * 64, "nonsense", "place-x"])
    def test_an_unknown_one_has_none(self, server: RunningServer, key: str) -> None:
        assert count(server, key) == 0

    def test_without_a_hash_it_is_400(self, server: RunningServer) -> None:
        for name in ("get_img_num", "get_img_count"):
            check_error(server.get(f"/images/{name}"), 400, "sha256")
            check_error(server.get(f"/images/{name}?sha256="), 400, "sha256")

    def test_their_addresses_are_given_in_order(self, server: RunningServer) -> None:
        _, sha256 = recorded(server)
        uploaded(server, sha256, RED)
        uploaded(server, sha256, GREEN)
        for quality, meant in (("low", "low"), ("best", "high"), (None, "high")):
            body = {"sha256": sha256.upper(), "quality": quality}
            told = server.post("/images/get_sample_imgs", json=body).json()
            assert (told["quality"], told["count"]) == (meant, 2)
            for address in told["images"]:
                assert address.startswith("/api/admin/images/")
                assert server.session.get(server.url + address, timeout=10).status_code == 200
        told = server.post("/images/get_sample_imgs", json={"sha256": "1" * 64}).json()
        assert (told["images"], told["count"]) == ([], 0)
        for body in ({}, {"sha256": "x"}, {"sha256": 5}):
            check_error(server.post("/images/get_sample_imgs", json=body), 400, "sha256")


class TestDelete:
    def filled(self, server: RunningServer) -> str:
        _, sha256 = recorded(server)
        for data in (RED, GREEN, BLUE):
            uploaded(server, sha256, data)
        return sha256

    def delete(self, server: RunningServer, sha256: str, seq: object, **headers: str) -> int:
        url = f"/images/delete?sha256={sha256}&seq={seq}"
        answer = server.delete(
            url, headers={key.replace("_", "-"): headers[key] for key in headers}
        )
        if answer.status_code == 200:
            assert answer.json() == {"status": "success"}
        return answer.status_code

    def test_the_later_ones_move_up(self, server: RunningServer) -> None:
        sha256 = self.filled(server)
        assert self.delete(server, sha256, 1) == 200
        assert order(server, sha256) == "rb"
        assert self.delete(server, sha256.upper(), 0) == 200
        assert order(server, sha256) == "b"
        assert uploaded(server, sha256, GREEN) == f"{sha256}_1"

    def test_sent_twice_with_its_etag_it_removes_one(self, server: RunningServer) -> None:
        sha256 = self.filled(server)
        tag = server.get(f"/images/{sha256}_0.webp?quality=medium").headers["ETag"]
        assert [self.delete(server, sha256, 0, If_Match=tag) for _ in range(2)] == [200, 200]
        assert order(server, sha256) == "gb"
        other = server.get(f"/images/{sha256}_1.webp").headers["ETag"]
        assert self.delete(server, sha256, 0, If_Match=other) == 412
        assert self.delete(server, sha256, 0, If_Match='"nonsense"') == 412
        assert order(server, sha256) == "gb"

    def test_at_once_with_its_etag_it_removes_one(self, server: RunningServer) -> None:
        sha256 = self.filled(server)
        tag = server.get(f"/images/{sha256}_1.webp").headers["ETag"]
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(self.delete, server, sha256, 1, If_Match=tag) for _ in range(4)]
        assert {each.result() for each in asked} == {200}
        assert order(server, sha256) == "rb"

    def test_at_once_without_it_removes_each_once(self, server: RunningServer) -> None:
        sha256 = self.filled(server)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(self.delete, server, sha256, 0) for _ in range(4)]
        assert sorted(each.result() for each in asked) == [200, 200, 200, 404]
        assert order(server, sha256) == ""

    def test_what_cannot_be_meant_is_told(self, server: RunningServer) -> None:
        sha256 = self.filled(server)
        for query, field in (("", "sha256"), (f"sha256={sha256}", "seq"), ("seq=0", "sha256")):
            check_error(server.delete(f"/images/delete?{query}"), 400, field)
        for seq in ("x", "-1", "1.5"):
            check_error(server.delete(f"/images/delete?sha256={sha256}&seq={seq}"), 400, "seq")
        for key in (sha256, "1" * 64, "nonsense"):
            check_error(server.delete(f"/images/delete?sha256={key}&seq=9"), 404)
        assert order(server, sha256) == "rgb"
