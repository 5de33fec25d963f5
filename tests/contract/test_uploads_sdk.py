"""Scenario's own client, as its users install it, against a running program."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from tests import programs
from tests.sites import listening
from tests.transferring import serving
from tests.uploading import model, models
from tests.upstream import Upstream, World

# It takes seconds to import, which only the worker that runs these tests is to spend.
if TYPE_CHECKING:
    from scenario_sdk import Scenario

KEY = "an-example-key"


class Program(NamedTuple):
    root: Path
    api: str

    def client(self, **how: Any) -> Scenario:
        given: dict[str, Any] = {"api_key": KEY, "api_secret": "secret", "bearer_auth": None}
        given.update(how)
        given.setdefault("_strict_response_validation", True)
        from scenario_sdk import Scenario

        return Scenario(base_url=self.api, **given)


@pytest.fixture(scope="module")
def program(
    running_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """The program in a process of its own, which asks everyone for the key."""
    root = tmp_path_factory.mktemp("sdk")
    more = ("--require-key", "--allow-private", *programs.asking(running_upstream))
    with programs.program("--root", root, *more, CURATOR_KEY=KEY) as (_, address):
        yield Program(root, f"{address}api/admin")


@pytest.fixture
def client(program: Program) -> Iterator[Scenario]:
    with program.client() as client:
        yield client


def ended(client: Scenario, upload_id: str) -> Any:
    """As clients wait: by asking again and again."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        upload = client.uploads.retrieve(upload_id).upload
        if upload.status in ("complete", "failed"):
            return upload
        time.sleep(0.02)
    raise AssertionError("it never ended")


def send(parts: Any, data: bytes, size: int) -> None:
    """Each part to its address, which has no credentials but its own."""
    # A context for TLS takes long to make, and there is none here.
    with httpx.Client(trust_env=False, verify=False) as line:
        for part in parts:
            start = (int(part.number) - 1) * size
            answer = line.put(part.url, content=data[start : start + size])
            assert answer.status_code == 200, answer.text


def files(program: Program) -> list[bytes]:
    return list(models(program.root).values())


class TestJourneys:
    @pytest.mark.parametrize("size", [1000, 700])
    def test_a_file_of_this_machine(self, client: Scenario, program: Program, size: int) -> None:
        data = model(f"sdk {size}", 5000)
        count = math.ceil(len(data) / size)
        upload = client.uploads.create(
            kind="model",
            file_name="mine.safetensors",
            file_size=len(data),
            content_type="application/octet-stream",
            parts=count,
        ).upload
        assert (upload.status, upload.source) == ("pending", "multipart")
        assert upload.parts is not None
        assert len(upload.parts) == upload.parts_count == count
        send(upload.parts, data, size)
        assert client.uploads.trigger_action(upload.id, action="complete").upload.id == upload.id
        over = ended(client, upload.id)
        assert (over.status, over.error_message) == ("complete", None)
        assert over.entity_id == hashlib.sha256(data).hexdigest()
        assert data in files(program)

    def test_a_model_of_hugging_face(
        self, client: Scenario, program: Program, world: World
    ) -> None:
        name = world.repository("single").name
        upload = client.uploads.create(hugging_face_model_name=name).upload
        assert (upload.source, upload.provider, upload.kind) == (
            "huggingface",
            "huggingface",
            "model",
        )
        over = ended(client, upload.id)
        assert (over.status, over.file_name) == ("complete", "lora.safetensors")
        assert over.entity_id in {hashlib.sha256(data).hexdigest() for data in files(program)}

    def test_a_model_of_civitai(
        self, client: Scenario, program: Program, upstream: Upstream
    ) -> None:
        found = upstream.world.model("lora")
        version = found.versions[0]
        page = f"{upstream.civitai}/models/{found.id}/any-name?modelVersionId={version.id}"
        upload = client.uploads.create(civitai_model_url=page).upload
        assert (upload.source, upload.provider) == ("civitai", "civitai")
        over = ended(client, upload.id)
        assert over.status == "complete", over.error_message
        assert over.entity_id in {hashlib.sha256(data).hexdigest() for data in files(program)}

    def test_a_model_at_any_address(self, client: Scenario, program: Program) -> None:
        data = model("sdk url")
        with listening() as site:
            site.answers["/some/lora.safetensors"] = serving(data)
            url = f"{site.url}/some/lora.safetensors"
            upload = client.uploads.create(url=url, kind="model").upload
            assert (upload.source, upload.provider) == ("url", "other")
            over = ended(client, upload.id)
        assert over.status == "complete", over.error_message
        assert data in files(program)

    def test_what_it_would_cost(self, client: Scenario, program: Program) -> None:
        # The answer has no upload, which is more than a strict client bears.
        with program.client(_strict_response_validation=False) as lenient:
            answer: Any = lenient.uploads.create(
                dry_run="true", kind="model", file_name="a.safetensors", file_size=9, parts=1
            )
        assert (answer.upload, answer.creativeUnitsCost) == (None, 0)
        raw = client.uploads.with_raw_response.create(
            dry_run="api", hugging_face_model_name="some/model"
        )
        assert raw.status_code == 269

    def test_a_file_that_is_no_model(self, client: Scenario) -> None:
        data = b"<html>not found</html>"
        upload = client.uploads.create(
            kind="model", file_name="a.safetensors", file_size=len(data), parts=1
        ).upload
        assert upload.parts is not None
        send(upload.parts, data, len(data))
        client.uploads.trigger_action(upload.id, action="complete")
        over = ended(client, upload.id)
        assert over.status == "failed"
        assert over.error_message

    def test_by_the_asynchronous_client(self, program: Program) -> None:
        from scenario_sdk import AsyncScenario

        async def go() -> str:
            async with AsyncScenario(
                base_url=f"{program.api}/", bearer_auth=KEY, api_key=None, api_secret=None
            ) as client:
                made = await client.uploads.create(
                    kind="text", file_name="a.txt", file_size=2, parts=1
                )
                return (await client.uploads.retrieve(made.upload.id)).upload.status

        # A thread has no loop yet; in this one Playwright's may be running.
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(lambda: asyncio.run(go())).result(60) == "pending"


class _Losing(httpx.HTTPTransport):
    """A line that loses the answer to the first request that `choose` picks."""

    def __init__(self, choose: Callable[[httpx.Request], bool]) -> None:
        super().__init__()
        self._choose = choose
        self.counts: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not self._choose(request):
            return answer
        self.counts.append(request.headers["x-stainless-retry-count"])
        if len(self.counts) > 1:
            return answer
        answer.read()
        raise httpx.ReadError("the line is gone", request=request)


class TestABadLine:
    def lossy(self, program: Program, choose: Callable[[httpx.Request], bool]) -> Any:
        transport = _Losing(choose)
        http = httpx.Client(transport=transport, base_url=program.api)
        return program.client(http_client=http), transport

    def test_a_create_whose_answer_was_lost_makes_one_upload(
        self, program: Program, client: Scenario
    ) -> None:
        lossy, transport = self.lossy(program, lambda request: request.url.path.endswith("uploads"))
        with lossy:
            made = lossy.uploads.create(
                kind="text", file_name="lost.txt", file_size=7, parts=1
            ).upload
        assert transport.counts == ["0", "1"]
        listed = client.get("/uploads", cast_to=httpx.Response).json()["uploads"]
        assert [each["id"] for each in listed if each["fileName"] == "lost.txt"] == [made.id]

    def test_an_action_whose_answer_was_lost_is_harmless(
        self, program: Program, client: Scenario
    ) -> None:
        lossy, transport = self.lossy(program, lambda request: "action" in request.url.path)
        with lossy:
            made = lossy.uploads.create(kind="text", file_name="a.txt", file_size=4, parts=1).upload
            assert made.parts is not None
            send(made.parts, b"text", 4)
            lossy.uploads.trigger_action(made.id, action="complete")
        assert transport.counts == ["0", "1"]
        assert ended(client, made.id).status == "complete"


class TestErrors:
    def test_arrive_as_what_they_are(self, client: Scenario, program: Program) -> None:
        from scenario_sdk import AuthenticationError, BadRequestError, NotFoundError

        with pytest.raises(NotFoundError):
            client.uploads.retrieve("a/../b")
        with pytest.raises(BadRequestError):
            client.uploads.create()
        with pytest.raises(BadRequestError):
            client.uploads.create(url="file:///etc/passwd", kind="model")
        with (
            pytest.raises(AuthenticationError),
            program.client(api_key="wrong") as other,
        ):
            other.uploads.retrieve("any")

    def test_of_missing_parts_come_at_once_and_name_them(self, client: Scenario) -> None:
        from scenario_sdk import ConflictError

        made = client.uploads.create(kind="text", file_name="a.txt", file_size=4, parts=2).upload
        with pytest.raises(ConflictError) as caught:
            client.uploads.trigger_action(made.id, action="complete")
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert caught.value.response.json()["missing"] == [1, 2]
        assert caught.value.request.headers["x-stainless-retry-count"] == "0"

    def test_of_several_models_list_them_to_choose_from(
        self, client: Scenario, world: World
    ) -> None:
        from scenario_sdk import UnprocessableEntityError

        with pytest.raises(UnprocessableEntityError) as caught:
            client.uploads.create(hugging_face_model_name=world.repository("several").name)
        assert "safetensors" in str(caught.value.response.json())
