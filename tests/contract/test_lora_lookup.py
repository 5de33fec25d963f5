"""Looking LoRAs up, adding them, and what a picture was made with, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.answers import check_error
from tests.catalogs import entries, put_file, stored
from tests.serving import RunningServer
from tests.upstream import Upstream, World


def look_up(server: RunningServer, url: str) -> Any:
    return server.post("/loras/lookup-civitai", json={"url": url})


def picked(looked_up: dict[str, Any], *version_ids: int) -> dict[str, Any]:
    """What Studio's page sends of what it was told."""
    return {
        "model_id": looked_up["model_id"],
        "model_name": looked_up["name"],
        "author": looked_up["author"],
        "description": looked_up["description"],
        "tags": looked_up["tags"],
        "rating": looked_up["stats"]["rating"],
        "downloads": looked_up["stats"]["download_count"],
        "versions": [each for each in looked_up["versions"] if each["version_id"] in version_ids],
        "preview_images": [],
    }


class TestLookup:
    def test_tells_the_model_its_versions_and_pictures(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        model, version = world.model("lora"), world.version("lora_second")
        url = f"https://civitai.com/models/{model.id}/lantern?modelVersionId={version.id}"
        answer = look_up(server, url)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["model_id"], body["name"], body["author"]) == (
            model.id,
            "Lantern Glow",
            "mossgarden",
        )
        assert (body["type"], body["nsfw"], body["selected_version_id"]) == (
            "LORA",
            False,
            version.id,
        )
        assert body["stats"].keys() == {
            "rating",
            "rating_count",
            "download_count",
            "favorite_count",
        }
        first = body["versions"][0]
        assert first["version_id"] == world.version("lora").id
        assert first["trigger_words"] == ["lantern glow", "warm light"]
        assert first["files"][0]["name"] == world.version("lora").files[0].name
        assert {each["nsfw"] for each in first["images"]} <= {True, False}
        assert first["images"][0]["id"].isdigit()
        assert len(body["preview_images"]) > 0
        assert body["preview_images"][0].keys() == {
            "id",
            "url",
            "width",
            "height",
            "nsfw",
            "meta",
        }
        assert any(each["meta"].get("prompt") for each in body["preview_images"])

    def test_works_without_the_pictures(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/api/v1/images", status=500, times=None)
        answer = look_up(server, f"https://civitai.com/models/{world.model('lora').id}")
        assert (answer.status_code, answer.json()["preview_images"]) == (200, [])

    @pytest.mark.parametrize(
        "form",
        ["{base}/models/{id}", "civitai:{id}", "https://www.civitai.green/models/{id}"],
    )
    def test_takes_other_forms_of_the_address(
        self, server: RunningServer, world: World, upstream: Upstream, form: str
    ) -> None:
        url = form.format(base=upstream.civitai, id=world.model("locon").id)
        assert look_up(server, url).json()["name"] == "Paper Fold"

    @pytest.mark.parametrize("url", ["https://example.org/models/1", "x", "https://civitai.com/"])
    def test_of_another_address_is_bad_input(self, server: RunningServer, url: str) -> None:
        assert look_up(server, url).status_code == 400

    def test_of_nothing_is_bad_input(self, server: RunningServer) -> None:
        check_error(server.post("/loras/lookup-civitai", json={}), 400, "url")

    def test_of_an_unknown_model_is_unknown(self, server: RunningServer) -> None:
        check_error(look_up(server, "https://civitai.com/models/99999999"), 404)

    def test_passes_on_what_upstream_says(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/api/v1/models/", status=401, times=None)
        url = f"https://civitai.com/models/{world.model('lora').id}"
        check_error(look_up(server, url), 400, "civitai_key")
        upstream.faults.clear()
        upstream.faults.add("/api/v1/models/", status=500, times=None)
        check_error(look_up(server, url), 502)


class TestAdding:
    @pytest.fixture
    def looked_up(self, server: RunningServer, world: World) -> dict[str, Any]:
        url = f"https://civitai.com/models/{world.model('lora').id}"
        return look_up(server, url).json()

    def test_makes_entries_and_queues_their_downloads(
        self, server: RunningServer, world: World, looked_up: dict[str, Any]
    ) -> None:
        one, two = world.version("lora"), world.version("lora_second")
        answer = server.post("/loras/add-civitai", json=picked(looked_up, one.id, two.id))
        assert answer.status_code == 200
        names = [one.files[0].name, two.files[0].name]
        assert answer.json() == {"added": names, "skipped": [], "not_queued": []}
        entry = entries(server, "loras")[0]
        expected = {
            "name": "Lantern Glow v1.0 [Illustrious FP16]",
            "file": names[0],
            "dest": "loras",
            "source": "civitai",
            "civitai_version_id": one.id,
            "civitai_model_id": one.model_id,
            "civitai_file_id": one.files[0].id,
            "trigger_words": ["lantern glow", "warm light"],
            "author": "mossgarden",
            "civitai_tags": ["style", "lighting", "lantern"],
            "hash": one.files[0].content.sha256,
        }
        assert {key: entry[key] for key in expected} == expected
        assert round(entry["size_gb"] * 1e9) == len(one.files[0].content.data)
        assert entry["images"][0].endswith(".jpeg")
        assert stored(server, "loras")["categories"][0]["id"] == "sdxl_loras"
        assert stored(server, "loras")["version"] == 1
        told = server.store.downloads.status()
        assert set(names) <= told.keys()

    def test_again_skips_what_is_there(
        self, server: RunningServer, world: World, looked_up: dict[str, Any]
    ) -> None:
        body = picked(looked_up, world.version("lora").id)
        server.post("/loras/add-civitai", json=body)
        before = stored(server, "loras")
        answer = server.post("/loras/add-civitai", json=body).json()
        assert (answer["added"], answer["skipped"]) == ([], [world.version("lora").files[0].name])
        assert stored(server, "loras") == before

    def test_at_once_adds_one(
        self, server: RunningServer, world: World, looked_up: dict[str, Any]
    ) -> None:
        body = picked(looked_up, world.version("lora").id)

        def post(_: int) -> int:
            return len(server.post("/loras/add-civitai", json=body).json()["added"])

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(post, range(8))) == 1
        assert len(entries(server, "loras")) == 1

    def test_skips_what_the_other_catalog_has(
        self, server: RunningServer, world: World, looked_up: dict[str, Any]
    ) -> None:
        version = world.version("lora")
        server.post(f"/civitai/add/{version.id}")
        answer = server.post("/loras/add-civitai", json=picked(looked_up, version.id)).json()
        assert (answer["added"], answer["skipped"]) == ([], [version.files[0].name])
        assert entries(server, "loras") == []

    def test_makes_a_plain_name_of_a_hostile_one(
        self, server: RunningServer, world: World, looked_up: dict[str, Any]
    ) -> None:
        body = picked(looked_up, world.version("lora").id)
        body["versions"][0]["files"][0]["name"] = "../../CON.safetensors"
        answer = server.post("/loras/add-civitai", json=body).json()
        assert "/" not in answer["added"][0]

    @pytest.mark.parametrize(
        "change,field",
        [
            ({"model_id": None}, "model_id"),
            ({"model_name": None}, "model_name"),
            ({"versions": None}, "versions"),
            ({"versions": [{"version_id": 5, "files": ()}]}, "versions.0.files"),
            ({"versions": [{"version_id": -5}]}, "versions.0.version_id"),
        ],
    )
    def test_of_half_a_body_is_bad_input(
        self, server: RunningServer, change: dict[str, Any], field: str
    ) -> None:
        body: dict[str, Any] = {"model_id": 1, "model_name": "A", "versions": (), **change}
        check_error(server.post("/loras/add-civitai", json=body), 400, field)
        assert entries(server, "loras") == []


class TestCompatible:
    def test_joins_pairs_of_both_catalogs(self, server: RunningServer) -> None:
        def entry(file: str, pair: str, role: str, **more: str) -> dict[str, Any]:
            name = f"{pair} {role.title()} Noise LoRA [WAN]"
            told = {"name": name, "file": file, "dest": "loras", "base_model": "wan-i2v-14b"}
            return {**told, "pair_id": pair, "pair_role": role, **more}

        add = server.store.catalog.add_entries
        add("models", "loras", [entry("a-h.pt", "a", "high"), entry("b.pt", "b", "both")])
        add("loras", "wan_loras", [entry("a-l.pt", "a", "low")])
        add("loras", "wan_loras", [entry("c.pt", "c", "high", base_model="other")])
        add("loras", "wan_loras", [{**entry("d.pt", "", "high")}])
        answer = server.get("/loras/compatible/wan-i2v-14b")
        assert answer.status_code == 200
        assert answer.json() == [
            {"pair_id": "a", "name": "a [WAN]", "high": "a-h.pt", "low": "a-l.pt", "both": None},
            {"pair_id": "b", "name": "b Both Noise [WAN]", "high": None, "low": None,
             "both": "b.pt"},
        ]  # fmt: skip
        assert len(server.get("/loras/compatible/all").json()) == 3
        assert server.get("/loras/compatible/nothing").json() == []


class TestPictures:
    def show(self, server: RunningServer, image_id: int) -> dict[str, Any]:
        answer = server.get(f"/civitai/image/{image_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_tell_their_resources_with_their_state(
        self, server: RunningServer, world: World
    ) -> None:
        image = world.image("png_as_jpeg")
        body = self.show(server, image.id)
        assert body["raw"]["result"]["data"]["json"]["resources"]
        assert [each["catalog_status"] for each in body["resources"]] == ["not_found"] * 2
        version_id = body["resources"][0]["versionId"]
        file = server.post(f"/civitai/add/{version_id}").json()["file"]
        first = self.show(server, image.id)["resources"][0]
        assert (first["catalog_status"], first["catalog_file"]) == ("missing", file)
        assert first["catalog_dest"] == "loras"
        put_file(server, "loras", file)
        assert self.show(server, image.id)["resources"][0]["catalog_status"] == "present"
        assert body["meta"]["seed"] == (image.meta or {})["seed"]
        assert body["detected_type"] == "t2i"
        assert body["tools"][0]["name"] == "ComfyUI"

    def test_a_tag_that_never_ends_keeps_nobody_waiting(
        self, server: RunningServer, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image = world.image("png_as_jpeg")
        prompt = "<lora:" + "a" * 1_000_000
        monkeypatch.setitem(image.meta or {}, "prompt", prompt)
        assert self.show(server, image.id)["clean_prompt"] == prompt

    def test_find_what_the_prompts_name(self, server: RunningServer, world: World) -> None:
        body = self.show(server, world.image("a1111_png").id)
        deps = {each["name"]: each for each in body["detected_deps"]}
        lora = deps["lantern_glow_v1_0"]
        assert (lora["source"], lora["weight"], lora["type"]) == ("prompt", 0.8, "lora")
        embedding = deps["easy_hands"]
        assert embedding["source"] == "negative_prompt"
        assert embedding["civitai_model_id"] == world.model("embedding").id
        assert embedding["catalog_status"] == "not_found"
        assert "<lora:" not in body["clean_prompt"]
        assert "<lora:" in body["meta"]["prompt"]

    def test_find_what_is_here_by_its_file_name_without_asking(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        entry = {"name": "A", "file": "Easy_Hands.pt", "dest": "embeddings"}
        server.store.catalog.add_entries("models", "embeddings", [entry])
        body = self.show(server, world.image("a1111_png").id)
        found = next(each for each in body["detected_deps"] if each["name"] == "easy_hands")
        assert (found["catalog_status"], found["catalog_file"]) == ("missing", "Easy_Hands.pt")
        assert not upstream.requests("TextualInversion")

    def test_leave_unknown_what_civitai_does_not_tell(
        self, server: RunningServer, world: World, upstream: Upstream
    ) -> None:
        upstream.faults.add("/api/v1/models", status=500, times=None)
        body = self.show(server, world.image("a1111_png").id)
        assert {each["catalog_status"] for each in body["detected_deps"]} == {"unknown"}

    @pytest.mark.parametrize(
        "label,kind", [("video", "i2v"), ("video_webm", "i2v"), ("flux", "t2i")]
    )
    def test_tell_their_kind(
        self, server: RunningServer, world: World, label: str, kind: str
    ) -> None:
        assert self.show(server, world.image(label).id)["detected_type"] == kind

    @pytest.mark.parametrize("label", ["no_meta", "empty_meta", "no_resources", "big_seed"])
    def test_without_this_or_that_are_shown(
        self, server: RunningServer, world: World, label: str
    ) -> None:
        body = self.show(server, world.image(label).id)
        assert isinstance(body["meta"], dict)
        assert isinstance(body["resources"], list)

    def test_that_nobody_knows_are_unknown(self, server: RunningServer) -> None:
        check_error(server.get("/civitai/image/999999999"), 404)

    def test_pass_on_what_upstream_says(self, server: RunningServer, upstream: Upstream) -> None:
        upstream.faults.add("/api/trpc/", status=500, times=None)
        check_error(server.get("/civitai/image/5"), 502)
