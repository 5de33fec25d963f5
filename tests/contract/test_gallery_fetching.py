"""Single pictures fetched into the gallery, from a CivitAI that can fail."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.gallery_shown import COLUMNS
from comfyui_curator.store.remote.http import Timeouts
from tests.galleries import bomb, check_error, check_nothing_came, fetch, fetched, opened, told
from tests.serving import RunningServer, options_for
from tests.small_disk import full, small_disk
from tests.upstream import Upstream, World

KEY = World.civitai_key


class TestDownloadSingle:
    def test_gives_the_item_with_all_that_civitai_says(
        self, server: RunningServer, world: World
    ) -> None:
        image = world.image("png_as_jpeg")
        item = fetched(server, world, "png_as_jpeg")
        assert set(item) == {"id", *COLUMNS}
        assert item["id"] == item["civitai_id"] == str(image.id)
        assert item["file_uuid"] == image.uuid
        assert (item["type"], item["ext"]) == ("image", ".png")
        assert (item["width"], item["height"]) == (image.width, image.height)
        assert item["model_id"] == world.model("lora").id
        assert item["prompt"] == told(world, "png_as_jpeg")["prompt"]
        assert item["username"] == image.creator.name
        assert item["file_size"] == len(image.content.data)
        assert item["has_meta"] == item["has_gen_data"] == 1
        assert item["starred"] == item["audio"] == 0
        assert item["created_at"].endswith("Z")

    def test_a_second_call_answers_the_same_and_asks_nobody(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        first = fetched(server, world, "no_lora")
        asked = len(upstream.requests())
        assert fetched(server, world, "no_lora") == first
        assert len(upstream.requests()) == asked

    def test_calls_at_once_fetch_once_and_answer_the_same(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        number = world.image("png_as_jpeg").id
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(fetch, server, number) for _ in range(8)]
        answers = [each.result() for each in asked]
        assert [answer.status_code for answer in answers] == [200] * 8
        assert len({answer.text for answer in answers}) == 1
        assert len(upstream.requests(origin="civitai_images")) == 1
        assert server.get("/gallery").json()["total"] == 1

    @pytest.mark.parametrize(
        ("label", "ext"),
        [
            ("webp_as_jpeg", ".webp"),
            ("webp_said_jpeg", ".webp"),
            ("animated_webp", ".webp"),
            ("exif_turned", ".jpeg"),
            ("tiny", ".jpeg"),
            ("redirected", ".jpeg"),
            ("video", ".mp4"),
            ("video_webm", ".webm"),
        ],
    )
    def test_takes_every_kind_by_its_true_format(
        self, server: RunningServer, world: World, label: str, ext: str
    ) -> None:
        image = world.image(label)
        item = fetched(server, world, label)
        assert item["ext"] == ext
        assert (item["width"], item["height"]) == (image.width, image.height)
        media = server.get(f"/loras/gallery/media/{item['id']}")
        assert media.content == image.content.data
        thumb = server.get(f"/loras/gallery/thumb/{item['id']}")
        assert thumb.headers["Content-Type"] == "image/webp"
        small = opened(thumb.content)
        assert small.width == min(320, image.width)
        assert abs(small.width / small.height - image.width / image.height) < 0.02

    def test_a_video_knows_its_length_and_sound(self, server: RunningServer, world: World) -> None:
        item = fetched(server, world, "video")
        assert item["type"] == "video"
        assert item["duration"] == pytest.approx(world.image("video").duration, abs=0.2)
        assert item["audio"] == 0

    @pytest.mark.parametrize(
        "label", ["version_id_only", "model_version_id_only", "model_id_only", "removed_resource"]
    )
    def test_finds_the_model_however_the_lora_is_named(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        assert fetched(server, world, label)["model_id"] == world.model("lora").id

    def test_asks_the_catalog_before_civitai_for_a_lora_s_model(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        version = world.version("lora")
        entry = {
            "file": "x.safetensors",
            "dest": "loras",
            "name": "x",
            "civitai_version_id": version.id,
            "civitai_model_id": 4711,
        }
        server.store.catalog.add_entries("loras", "sdxl_loras", [entry])
        assert fetched(server, world, "version_id_only")["model_id"] == 4711
        assert not upstream.requests("/model-versions/")

    @pytest.mark.parametrize("label", ["no_resources", "no_lora"])
    def test_a_picture_without_a_known_lora_belongs_to_model_0(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        item = fetched(server, world, label)
        assert item["model_id"] == 0
        listed = server.get("/loras/0/gallery").json()
        assert [each["id"] for each in listed["images"]] == [item["id"]]

    @pytest.mark.parametrize("label", ["no_meta", "empty_meta"])
    def test_a_picture_without_generation_data_is_taken_all_the_same(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        item = fetched(server, world, label)
        assert item["prompt"] == ""
        assert item["has_meta"] == 0

    def test_a_seed_beyond_64_bits_is_kept_exactly(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "big_seed")
        meta = json.loads(server.get(f"/loras/gallery/{item['id']}/meta").text)
        assert meta["seed"] == told(world, "big_seed")["seed"]
        assert json.loads(server.get("/gallery").text)["images"][0]["meta"]["seed"] == meta["seed"]

    def test_hostile_texts_are_data_and_nothing_else(
        self, server: RunningServer, world: World
    ) -> None:
        item = fetched(server, world, "hostile_prompt")
        assert item["prompt"] == told(world, "hostile_prompt")["prompt"]
        assert server.get("/gallery").json()["images"][0]["meta"]["prompt"] == item["prompt"]

    @pytest.mark.parametrize("number", [1, 2**31 + 5, 2**63 - 1])
    def test_unknown_to_civitai_is_404_and_leaves_nothing(
        self, server: RunningServer, number: int
    ) -> None:
        check_error(fetch(server, number), 404)
        check_nothing_came(server)

    def test_what_is_not_there_is_not_asked_for_again_at_once(
        self, server: RunningServer, upstream: Upstream
    ) -> None:
        for _ in range(3):
            check_error(fetch(server, 1), 404)
        assert len(upstream.requests()) == 1

    def test_a_picture_whose_file_civitai_has_lost_is_404(
        self, server: RunningServer, world: World
    ) -> None:
        check_error(fetch(server, world.image("lost").id), 404)
        check_nothing_came(server)

    @pytest.mark.parametrize("number", ["abc", "-1", "1.5", "9" * 30, "%2e%2e"])
    def test_what_is_no_number_is_400(self, server: RunningServer, number: str) -> None:
        assert fetch(server, number).status_code in (400, 404)
        check_nothing_came(server)


class TestUpstreamTrouble:
    @pytest.mark.parametrize("part", ["image.get\\?", "getGenerationData", "/original=true/"])
    @pytest.mark.parametrize("status", [500, 502, 418])
    def test_a_failing_civitai_is_502_leaves_nothing_and_the_next_call_works(
        self, server: RunningServer, world: World, upstream: Upstream, part: str, status: int
    ) -> None:
        number = world.image("no_lora").id
        upstream.faults.add(part, status=status)
        check_error(fetch(server, number), 502)
        check_nothing_came(server)
        assert fetch(server, number).status_code == 200

    @pytest.mark.parametrize(
        "fault",
        [
            {"html": True},
            {"body": "not json"},
            {"body": "[1, 2"},
            {"json": []},
            {"json": {"result": {"data": {"json": {"id": 5}}}}},
            {"json": {"surprise": 1}},
            {"body": "[" * 100_000},
            {"cut": 20},
            {"redirect": "/api/trpc/image.get", "times": None},
            {"redirect": "ftp://127.0.0.1/x"},
            {"redirect": "http://user:pass@127.0.0.1/x"},
        ],
    )
    def test_answers_that_are_no_answers_are_502(
        self, server: RunningServer, world: World, upstream: Upstream, fault: dict[str, Any]
    ) -> None:
        upstream.faults.add("image.get", **fault)
        check_error(fetch(server, world.image("no_lora").id), 502)
        check_nothing_came(server)

    @pytest.mark.parametrize(
        "fault",
        [
            {"html": True},
            {"html": True, "content_type": "image/png"},
            {"cut": 500},
            {"resize": -400},
            {"corrupt": True},
            {"length": 10_000_000},
            {"length": 300},
            {"body": ""},
            {"body": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
            {"body": "GIF89a"},
        ],
    )
    def test_a_file_that_is_no_whole_picture_is_502_and_leaves_nothing(
        self, server: RunningServer, world: World, upstream: Upstream, fault: dict[str, Any]
    ) -> None:
        number = world.image("png_as_jpeg").id
        upstream.faults.add("/original=true/", **fault)
        check_error(fetch(server, number), 502)
        check_nothing_came(server)
        assert fetch(server, number).status_code == 200

    def test_a_picture_of_3600_megapixels_is_refused_before_it_is_decoded(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        body = bomb(60_000, 60_000).decode("utf-8", "surrogateescape")
        upstream.faults.add("/original=true/", body=body)
        answer = check_error(fetch(server, world.image("png_as_jpeg").id), 502)
        assert "pixels" in answer["error"]
        check_nothing_came(server)

    def test_a_video_without_frames_is_refused_with_a_clear_error(
        self, server: RunningServer, world: World
    ) -> None:
        answer = check_error(fetch(server, world.image("video_frameless").id), 502)
        assert "frames" in answer["error"]
        check_nothing_came(server)

    @pytest.mark.parametrize("status", [401, 403])
    def test_civitai_wanting_a_key_is_400_and_says_what_to_do(
        self, server: RunningServer, world: World, upstream: Upstream, status: int
    ) -> None:
        upstream.faults.add("image.get", status=status)
        answer = check_error(fetch(server, world.image("no_lora").id), 400, "civitai_key")
        assert "settings" in answer["error"]

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_short_retry_after_is_waited_for(
        self, server: RunningServer, world: World, upstream: Upstream, status: int
    ) -> None:
        upstream.faults.add("image.get", status=status, retry_after=1)
        assert fetch(server, world.image("no_lora").id).status_code == 200
        assert len(upstream.requests("image.get\\?")) == 2

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_long_retry_after_is_handed_on(
        self, server: RunningServer, world: World, upstream: Upstream, status: int
    ) -> None:
        upstream.faults.add("image.get", status=status, retry_after=120)
        answer = fetch(server, world.image("no_lora").id)
        check_error(answer, 503)
        assert answer.headers["Retry-After"] == "120"
        assert len(upstream.requests()) == 1

    def test_a_dropped_connection_is_tried_once_more(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("image.get", drop=True)
        assert fetch(server, world.image("no_lora").id).status_code == 200

    @pytest.mark.parametrize(
        "fault",
        [{"delay": 30}, {"stall_after": 400}, {"rate": 30}],
    )
    def test_a_stalling_civitai_is_cut_and_is_502(
        self, server: RunningServer, world: World, upstream: Upstream, fault: dict[str, Any]
    ) -> None:
        server.store.civitai.http.timeouts = Timeouts(connect=1, read=0.4)
        upstream.faults.add("/original=true/", times=None, **fault)
        check_error(fetch(server, world.image("png_as_jpeg").id), 502)
        check_nothing_came(server)


class TestUpstreamDown:
    @pytest.fixture
    def options(self) -> Options:
        # Nothing listens on the discard port.
        nowhere = "http://127.0.0.1:9"
        return Options(civitai=nowhere, civitai_images=nowhere, huggingface=nowhere)

    def test_is_502(self, server: RunningServer) -> None:
        check_error(fetch(server, 70000001), 502)
        check_nothing_came(server)


class TestFullDisk:
    def test_is_507_changes_nothing_and_the_next_call_works(
        self, tmp_path: Path, options: Options, world: World
    ) -> None:
        number = world.image("png_as_jpeg").id
        with (
            small_disk(tmp_path / "small", "3m") as folder,
            RunningServer(folder / "root", options) as server,
        ):
            with full(folder):
                check_error(fetch(server, number), 507)
                check_nothing_came(server)
            assert fetch(server, number).status_code == 200


class TestTheKey:
    @pytest.fixture
    def options(self, upstream: Upstream) -> Options:
        return options_for(upstream, civitai_key=KEY)

    def test_goes_to_civitai_in_a_header_and_nowhere_else(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        item = fetched(server, world, "redirected")
        shown = upstream.carrying(KEY)
        assert {request.origin for request in shown} == {"civitai"}
        assert {request.header("Authorization") for request in shown} == {f"Bearer {KEY}"}
        assert not any(KEY in request.query for request in shown)
        assert KEY not in server.get(f"/loras/gallery/{item['id']}/meta").text
        assert KEY not in server.get("/gallery").text
        for path in server.root.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes()

    def test_is_not_taken_along_by_a_redirect(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("image.get", redirect=f"{upstream.storage}/steal")
        fetch(server, world.image("no_lora").id)
        assert upstream.requests("/steal", origin="storage")
        assert {request.origin for request in upstream.carrying(KEY)} == {"civitai"}

    def test_is_not_shown_again_when_a_redirect_comes_back(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("image.get", redirect=f"{upstream.storage}/there")
        upstream.faults.add("/there", redirect=f"{upstream.civitai}/back")
        fetch(server, world.image("no_lora").id)
        (back,) = upstream.requests("/back", origin="civitai")
        assert not back.carries(KEY)

    def test_a_refused_key_is_400_and_the_text_does_not_hold_it(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("image.get", status=401)
        answer = fetch(server, world.image("no_lora").id)
        check_error(answer, 400, "civitai_key")
        assert KEY not in answer.text


class TestSamePictureTwice:
    def test_a_number_whose_file_is_here_as_a_card_joins_it_with_the_richer_facts(
        self, server: RunningServer, world: World, tmp_path: Path
    ) -> None:
        from comfyui_curator.store.gallery import Facts

        image = world.image("png_as_jpeg")
        path = tmp_path / "card.png"
        path.write_bytes(image.content.data)
        model = world.model("lora").id
        card = Facts(id=image.uuid, file_uuid=image.uuid, source="original", model_id=model)
        server.store.gallery.add_file(path, card)
        item = fetched(server, world, "png_as_jpeg")
        assert item["id"] == image.uuid
        assert item["source"] == "original"
        assert item["prompt"] == told(world, "png_as_jpeg")["prompt"]
        assert server.get("/gallery").json()["total"] == 1
        by_number = server.get(f"/loras/gallery/{image.id}/meta").json()
        by_uuid = server.get(f"/loras/gallery/{image.uuid}/meta").json()
        assert by_number == by_uuid
        assert (
            by_number["generation_data"]["meta"]["prompt"] == told(world, "png_as_jpeg")["prompt"]
        )

    def test_two_numbers_of_one_file_are_one_item(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        one = world.image("png_as_jpeg")
        upstream.faults.add(
            "image.get\\?.*:12345}",
            json={"result": {"data": {"json": {"id": 12345, "url": one.uuid, "type": "image"}}}},
        )
        upstream.faults.add("getGenerationData.*:12345}", json={"result": {"data": {"json": None}}})
        first = fetched(server, world, "png_as_jpeg")
        assert fetch(server, 12345).json()["id"] == first["id"]
        assert len(upstream.requests(origin="civitai_images")) == 1

    @pytest.mark.parametrize(
        "odd",
        [
            {"createdAt": "0001-01-01T00:00:00+14:00"},
            {"createdAt": 10**40, "postId": 10**300, "stats": {"heartCount": True}},
            {"user": [1], "baseModel": {}, "type": 5, "stats": "many", "postTitle": "\ud800"},
        ],
        ids=lambda odd: next(iter(odd)),
    )
    def test_what_makes_no_sense_costs_neither_the_picture_nor_the_list(
        self, server: RunningServer, world: World, upstream: Upstream, odd: dict[str, Any]
    ) -> None:
        image = world.image("png_as_jpeg")
        said = {"id": image.id, "url": image.uuid, "type": "image", **odd}
        upstream.faults.add("image.get\\?", json={"result": {"data": {"json": said}}})
        assert fetch(server, image.id).status_code == 200
        assert server.get("/gallery").json()["total"] == 1
        assert server.get(f"/loras/gallery/{image.id}/meta").status_code == 200
