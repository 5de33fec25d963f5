"""The gallery's routes, asked over HTTP: files, cards, stars, lists."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from comfyui_curator.store import Options
from tests.galleries import check_error, check_nothing_came, fetch, fetched, opened, told
from tests.serving import RunningServer
from tests.upstream import Upstream, World


class TestMedia:
    def test_is_the_file_by_id_with_or_without_an_extension(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        for name in (item["id"], f"{item['id']}.png", f"{item['id']}.jpeg", item["file_uuid"]):
            answer = server.get(f"/loras/gallery/media/{name}")
            assert answer.status_code == 200
            assert answer.content == world.image("png_as_jpeg").content.data
            assert answer.headers["Content-Type"] == "image/png"

    def test_can_be_resumed_and_kept(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "video")
        path = f"/loras/gallery/media/{item['id']}"
        whole = server.get(path)
        part = server.get(path, headers={"Range": "bytes=100-199"})
        assert part.status_code == 206
        assert part.content == whole.content[100:200]
        again = server.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        assert again.status_code == 304
        assert server.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416

    def test_carries_what_makes_it_harmless(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "png_as_jpeg")
        for kind in ("media", "thumb"):
            headers = server.get(f"/loras/gallery/{kind}/{item['id']}").headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
            assert headers["Content-Disposition"].startswith("inline")
            assert headers["Cache-Control"] == "no-cache"

    def test_what_somebody_has_put_in_its_place_is_only_ever_saved(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        path = server.store.host.data / "gallery" / item["file_path"]
        path.write_text("<html><script>alert(1)</script></html>")
        answer = server.get(f"/loras/gallery/media/{item['id']}")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")

    @pytest.mark.parametrize(
        "name",
        [
            "1",
            "..",
            "%2e%2e%2fsettings.json",
            "a%00b",
            "CON",
            "x" * 300,
            "12%E2%80%AE",
            "1/../../x",
        ],
    )
    @pytest.mark.parametrize("kind", ["media", "thumb"])
    def test_unknown_and_odd_names_are_404(
        self, server: RunningServer, kind: str, name: str
    ) -> None:
        answer = server.get(f"/loras/gallery/{kind}/{name}")
        assert answer.status_code == 404
        assert answer.json()["error"]

    def test_a_file_that_is_gone_is_404_and_comes_back_by_fetching_it_again(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        server.post(f"/loras/gallery/{item['id']}/star", json={"starred": True})
        (server.store.host.data / "gallery" / item["file_path"]).unlink()
        check_error(server.get(f"/loras/gallery/media/{item['id']}"), 404)
        assert fetched(server, world, "png_as_jpeg")["starred"] == 1
        assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200


class TestThumb:
    def test_is_made_again_when_it_is_gone(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "png_as_jpeg")
        (server.store.host.data / "gallery" / item["thumb_path"]).unlink()
        answer = server.get(f"/loras/gallery/thumb/{item['id']}")
        assert answer.headers["Content-Type"] == "image/webp"
        assert (server.store.host.data / "gallery" / item["thumb_path"]).is_file()

    def test_is_made_again_when_a_power_cut_has_left_it_empty(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        (server.store.host.data / "gallery" / item["thumb_path"]).write_bytes(b"")
        answer = server.get(f"/loras/gallery/thumb/{item['id']}")
        assert answer.headers["Content-Type"] == "image/webp"
        assert (server.store.host.data / "gallery" / item["thumb_path"]).is_file()

    def test_if_it_cannot_be_made_a_picture_shows_itself(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        folder = server.store.host.data / "gallery"
        (folder / item["thumb_path"]).unlink()
        data = (folder / item["file_path"]).read_bytes()
        (folder / item["file_path"]).write_bytes(data[:400])
        answer = server.get(f"/loras/gallery/thumb/{item['id']}")
        assert answer.status_code == 200
        assert answer.content == data[:400]

    def test_if_it_cannot_be_made_a_video_is_404(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "video")
        folder = server.store.host.data / "gallery"
        (folder / item["thumb_path"]).unlink()
        data = (folder / item["file_path"]).read_bytes()
        (folder / item["file_path"]).write_bytes(data[:200])
        check_error(server.get(f"/loras/gallery/thumb/{item['id']}"), 404)


class TestMeta:
    def test_holds_what_upstream_said_and_one_name_for_each_fact(
        self, server: RunningServer, world: World
    ) -> None:
        image = world.image("png_as_jpeg")
        item = fetched(server, world, "png_as_jpeg")
        meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
        assert meta["civitai_id"] == str(image.id)
        assert meta["civitai_page"].endswith(f"/images/{image.id}")
        assert meta["raw_item"]["id"] == image.id
        assert meta["generation_data"]["meta"]["prompt"] == told(world, "png_as_jpeg")["prompt"]
        assert meta["prompt"] == told(world, "png_as_jpeg")["prompt"]
        assert meta["negative"] == told(world, "png_as_jpeg")["negativePrompt"]
        assert meta["seed"] == told(world, "png_as_jpeg")["seed"]
        assert meta["cfg"] == told(world, "png_as_jpeg")["cfgScale"]
        assert meta["loras"][0]["model_id"] == world.model("lora").id

    def test_survives_the_loss_of_its_file(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "png_as_jpeg")
        (server.store.host.data / "gallery" / item["meta_path"]).unlink()
        meta = server.get(f"/loras/gallery/{item['id']}/meta").json()
        assert meta["prompt"] == item["prompt"]

    def test_unknown_is_404(self, server: RunningServer) -> None:
        check_error(server.get("/loras/gallery/1/meta"), 404)


class TestStar:
    def test_toggles_and_sets(self, server: RunningServer, world: World) -> None:
        path = f"/loras/gallery/{fetched(server, world, 'no_lora')['id']}/star"
        assert server.post(path).json() == {"starred": True}
        assert server.post(path, json={}).json() == {"starred": False}
        for _ in range(2):
            assert server.post(path, json={"starred": True}).json() == {"starred": True}
        for _ in range(2):
            assert server.post(path, json={"starred": False}).json() == {"starred": False}

    def test_toggles_at_once_are_all_counted(self, server: RunningServer, world: World) -> None:
        path = f"/loras/gallery/{fetched(server, world, 'no_lora')['id']}/star"
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(server.post, path) for _ in range(20)]
        answers = [each.result().json()["starred"] for each in asked]
        assert answers.count(True) == answers.count(False) == 10

    def test_unknown_is_404_and_nonsense_400(self, server: RunningServer, world: World) -> None:
        check_error(server.post("/loras/gallery/1/star", json={}), 404)
        path = f"/loras/gallery/{fetched(server, world, 'no_lora')['id']}/star"
        check_error(server.post(path, json={"starred": "perhaps"}), 400, "starred")

    def test_is_told_to_whoever_listens(self, server: RunningServer, world: World) -> None:
        heard: list[Any] = []
        server.store.events.listen(heard.append)
        item = fetched(server, world, "no_lora")
        server.post(f"/loras/gallery/{item['id']}/star", json={"starred": True})
        server.post(f"/loras/gallery/{item['id']}/star", json={"starred": True})
        assert [(event.topic, event.data["change"]) for event in heard] == [
            ("gallery", "added"),
            ("gallery", "changed"),
        ]


class TestToInput:
    def test_lays_the_file_there_under_its_true_format(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        answer = server.post(f"/loras/gallery/to-input/{item['id']}")
        name = f"civitai_{item['id']}.png"
        assert answer.json() == {"filename": name, "subfolder": "", "type": "input"}
        assert (server.store.host.input / name).read_bytes() == (
            world.image("png_as_jpeg").content.data
        )

    def test_the_same_again_and_at_once_gives_one_file(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        path = f"/loras/gallery/to-input/{item['id']}"
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(server.post, path) for _ in range(8)]
        names = {each.result().json()["filename"] for each in asked}
        assert names == {f"civitai_{item['id']}.png"}
        assert [path.name for path in server.store.host.input.iterdir()] == list(names)

    def test_never_writes_over_another_file_and_finds_its_own_again(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        taken = server.store.host.input / f"civitai_{item['id']}.png"
        taken.write_bytes(b"somebody's own")
        path = f"/loras/gallery/to-input/{item['id']}"
        names = [server.post(path).json()["filename"] for _ in range(3)]
        assert names == [f"civitai_{item['id']}_2.png"] * 3
        assert taken.read_bytes() == b"somebody's own"
        assert len(list(server.store.host.input.iterdir())) == 2

    def test_a_link_out_of_the_folder_is_not_followed(
        self, server: RunningServer, world: World, tmp_path: Path
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        outside = tmp_path / "outside.png"
        link = server.store.host.input / f"civitai_{item['id']}.png"
        link.symlink_to(outside)
        name = server.post(f"/loras/gallery/to-input/{item['id']}").json()["filename"]
        assert name == f"civitai_{item['id']}_2.png"
        assert not outside.exists()
        assert link.is_symlink()

    def test_a_change_there_leaves_the_gallery_alone(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "png_as_jpeg")
        name = server.post(f"/loras/gallery/to-input/{item['id']}").json()["filename"]
        (server.store.host.input / name).write_bytes(b"painted over")
        media = server.get(f"/loras/gallery/media/{item['id']}").content
        assert media == world.image("png_as_jpeg").content.data

    def test_a_video_gives_a_frame_or_itself(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "video")
        path = f"/loras/gallery/to-input/{item['id']}"
        for _ in range(2):
            assert server.post(path).json()["filename"] == f"civitai_{item['id']}.png"
        frame = opened((server.store.host.input / f"civitai_{item['id']}.png").read_bytes())
        assert frame.size == (item["width"], item["height"])
        assert server.post(f"{path}?as=media").json()["filename"] == f"civitai_{item['id']}.mp4"

    def test_unknown_is_404_and_an_odd_wish_400(self, server: RunningServer, world: World) -> None:
        check_error(server.post("/loras/gallery/to-input/1"), 404)
        item = fetched(server, world, "no_lora")
        check_error(server.post(f"/loras/gallery/to-input/{item['id']}?as=x"), 400, "as")

    def test_a_folder_that_cannot_be_written_is_a_clear_error(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "no_lora")
        server.store.host.input.rmdir()
        server.store.host.input.write_text("in the way")
        answer = check_error(server.post(f"/loras/gallery/to-input/{item['id']}"), 422)
        assert "input folder" in answer["error"]


class TestList:
    @pytest.fixture
    def filled(self, server: RunningServer, world: World) -> list[dict[str, Any]]:
        pictures = [image for image in world.images_of(world.model("lora")) if not image.label]
        items = [fetch(server, image.id).json() for image in pictures[:12]]
        fetched(server, world, "no_lora")
        return items

    def model(self, filled: list[dict[str, Any]]) -> int:
        return filled[0]["model_id"]

    def test_a_model_s_gallery_is_whole_and_newest_first(
        self, server: RunningServer, filled: list[dict[str, Any]]
    ) -> None:
        found = server.get(f"/loras/{self.model(filled)}/gallery").json()
        expected = sorted((item for item in filled), key=lambda item: item["created_at"])[::-1]
        assert [item["createdAt"] for item in found["images"]] == [
            item["created_at"] for item in expected
        ]
        assert found["images_total"] == len(filled)
        assert found["status"] == "idle"
        assert found["total"] is None
        assert found["gallery_card"] == []
        assert found["gallery_community"] == found["images"]
        assert found["gallery_community_bytes"] == sum(item["file_size"] for item in filled)
        assert found["default_preview"] == found["images"][0]["id"]
        item = found["images"][0]
        assert {"id", "ext", "has_thumb", "starred", "createdAt", "meta"} <= set(item)
        assert {"civitai_id", "civitai_page", "url", "type", "width", "height"} <= set(item["meta"])
        assert item["meta"]["url"] is None

    def test_pages_join_to_the_whole_even_while_newer_ones_come(
        self, server: RunningServer, world: World, filled: list[dict[str, Any]]
    ) -> None:
        path = f"/loras/{self.model(filled)}/gallery"
        whole = [item["id"] for item in server.get(path).json()["images"]]
        first = server.get(f"{path}?limit=5").json()
        assert first["images_total"] == len(whole)
        assert first["gallery_community"] == []
        fetched(server, world, "exif_turned")
        joined, page = first["images"], first
        while page["next"]:
            page = server.get(path, params={"limit": 5, "before": page["next"]}).json()
            joined += page["images"]
        seen = [item["id"] for item in joined]
        assert [each for each in seen if each in whole] == whole

    def test_filters(self, server: RunningServer, filled: list[dict[str, Any]]) -> None:
        path = f"/loras/{self.model(filled)}/gallery"
        chosen = filled[3]
        server.post(f"/loras/gallery/{chosen['id']}/star", json={"starred": True})

        def ids(**query: Any) -> list[str]:
            for limit in ({}, {"limit": 100}):
                found = server.get(path, params={**query, **limit}).json()
                assert found["images_total"] == len(found["images"])
            return [item["id"] for item in found["images"]]

        assert ids(starred="true") == [chosen["id"]]
        assert len(ids(starred="false")) == len(filled)
        assert ids(source="original") == []
        assert len(ids(source="community")) == len(filled)
        assert ids(type="video") == []
        word = chosen["prompt"].split("number ")[1].split()[0].strip(",")
        assert chosen["id"] in ids(q=f"number {word}")
        assert ids(q="nowhereword") == []
        # Half of all negative prompts say the same; they are not searched.
        assert ids(q="watermark") == []
        version = server.get(path).json()["images"][0]["versions"][0]
        assert 0 < len(ids(version_id=version)) <= len(filled)
        assert ids(version_id=1) == []
        mine = [item["id"] for item in filled if item["username"] == chosen["username"]]
        assert set(ids(q=chosen["username"])) == set(mine)

    def test_a_model_without_pictures_is_an_empty_list(self, server: RunningServer) -> None:
        for query in ("", "?limit=10"):
            found = server.get(f"/loras/987654/gallery{query}").json()
            assert found["images"] == []
            assert found["images_total"] == 0
            assert found["status"] == "idle"
            assert found["default_preview"] is None

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=x", "limit"),
            ("source=mine", "source"),
            ("type=audio", "type"),
            ("starred=perhaps", "starred"),
            ("version_id=v1", "version_id"),
        ],
    )
    def test_filters_that_cannot_be_read_are_400(
        self, server: RunningServer, query: str, field: str
    ) -> None:
        check_error(server.get(f"/loras/1/gallery?{query}"), 400, field)
        check_error(server.get(f"/gallery?{query}"), 400, field)

    def test_a_cursor_that_is_none_is_400(
        self, server: RunningServer, filled: list[dict[str, Any]]
    ) -> None:
        path = f"/loras/{self.model(filled)}/gallery?limit=2&before=nonsense"
        assert server.get(path).status_code == 400

    def test_all_pictures_come_last_added_first(
        self, server: RunningServer, world: World, filled: list[dict[str, Any]]
    ) -> None:
        found = server.get("/gallery?limit=4").json()
        assert found["total"] == len(filled) + 1
        assert found["images"][0]["id"] == str(world.image("no_lora").id)
        rest = server.get("/gallery", params={"limit": 500, "before": found["next"]}).json()
        assert [item["id"] for item in found["images"] + rest["images"]][1:] == [
            item["id"] for item in reversed(filled)
        ]
        assert rest["next"] is None

    def test_all_pictures_filtered(
        self, server: RunningServer, filled: list[dict[str, Any]]
    ) -> None:
        server.post(f"/loras/gallery/{filled[2]['id']}/star", json={"starred": True})
        starred = server.get("/gallery?starred=true&type=image&source=community").json()
        assert [item["id"] for item in starred["images"]] == [filled[2]["id"]]
        assert starred["total"] == 1
        assert server.get("/gallery?type=video").json()["total"] == 0
        assert server.get("/gallery?source=original").json()["total"] == 0
        assert server.get("/gallery?q=nowhereword").json()["total"] == 0

    def test_the_models_that_have_pictures(
        self, server: RunningServer, world: World, filled: list[dict[str, Any]]
    ) -> None:
        models = server.get("/gallery/models").json()["models"]
        assert [(each["model_id"], each["count"]) for each in models] == [
            (world.model("lora").id, len(filled)),
            (0, 1),
        ]
        assert models[0]["name"] == world.model("lora").name
        assert server.get(f"/loras/gallery/thumb/{models[0]['thumb']}").status_code == 200
        chosen = filled[1]
        server.post(f"/loras/gallery/{chosen['id']}/set-preview")
        listed = server.get("/gallery?limit=1000").json()["images"]
        level = next(each["nsfw_level"] for each in listed if each["id"] == chosen["id"])
        model = server.get("/gallery/models").json()["models"][0]
        assert (model["thumb"], model["thumb_level"]) == (chosen["id"], level)

    def test_the_catalog_tells_of_the_gallery(
        self, server: RunningServer, world: World, filled: list[dict[str, Any]]
    ) -> None:
        entry = {
            "file": "x.safetensors",
            "dest": "loras",
            "name": "x",
            "civitai_version_id": world.version("lora").id,
            "civitai_model_id": world.model("lora").id,
        }
        server.store.catalog.add_entries("loras", "sdxl_loras", [entry])

        def listed() -> dict[str, Any]:
            return server.get("/loras").json()["categories"][0]["models"][0]

        assert listed()["gallery_count"] == listed()["gallery_comm_count"] == len(filled)
        fetched(server, world, "exif_turned")
        assert listed()["gallery_count"] == len(filled) + 1


class TestRestart:
    def test_everything_is_there_again(
        self, tmp_path: Path, options: Options, world: World
    ) -> None:
        with RunningServer(tmp_path / "root", options) as server:
            item = fetched(server, world, "png_as_jpeg")
            server.post(f"/loras/gallery/{item['id']}/star", json={"starred": True})
            before = server.get("/gallery").text
        with RunningServer(tmp_path / "root", options) as server:
            assert server.get("/gallery").text == before
            assert server.get(f"/loras/gallery/media/{item['id']}").status_code == 200

    def test_a_download_does_not_hold_up_the_end(
        self, tmp_path: Path, options: Options, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/original=true/", rate=2_000, times=None)
        with RunningServer(tmp_path / "root", options) as server:
            answers: list[requests.Response] = []
            number = world.image("png_as_jpeg").id
            asking = threading.Thread(target=lambda: answers.append(fetch(server, number)))
            asking.start()
            while not upstream.requests("/original=true/"):
                time.sleep(0.01)
            server.store.civitai.close()
            asking.join()
        assert answers[0].status_code in (502, 503)
        with RunningServer(tmp_path / "root", options) as server:
            check_nothing_came(server)
