"""The addresses of parts: for whom and how long they are good, and connections that break."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from comfyui_curator.store import Options
from tests.answers import check_error
from tests.serving import RunningServer
from tests.uploading import (
    act,
    body,
    completed,
    create,
    cut,
    look,
    model,
    models,
    put,
    send,
)
from tests.waiting import until


class TestPartAddresses:
    def url(self, server: RunningServer, parts: int = 2) -> str:
        return create(server, body(bytes(100), parts))["parts"][0]["url"]

    def test_work_without_credentials_where_everything_else_asks_for_the_key(
        self, tmp_path: Path
    ) -> None:
        options = Options(key="an-example-key", overrides={"require_key": True})
        with RunningServer(tmp_path / "strict", options) as strict:
            check_error(strict.post("/uploads", json=body(bytes(10))), 401)
            basic = base64.b64encode(b"an-example-key:secret").decode()
            for headers in (
                {"Authorization": f"Basic {basic}"},
                {"Authorization": "Bearer an-example-key"},
                {"X-API-Key": "an-example-key"},
            ):
                upload = create(strict, body(bytes(10)), headers=headers)
                assert put(upload["parts"][0]["url"], bytes(10)).status_code == 200
                assert strict.get(f"/uploads/{upload['id']}").status_code == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"signature": "0" * 64},
            {"signature": "ü"},
            {"signature": ""},
            {"expires": "99999999999"},
            {"expires": "0"},
            {"number": "2"},
            {"number": "0"},
            {"number": "3"},
            {"upload": "upload_other"},
        ],
        ids=str,
    )
    def test_that_were_changed_are_refused(
        self, server: RunningServer, change: dict[str, str]
    ) -> None:
        url = urlsplit(self.url(server))
        parts = url.path.split("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts[-1] = change.get("number", parts[-1])
        parts[-3] = change.get("upload", parts[-3])
        query.update({k: v for k, v in change.items() if k in query})
        answer = server.session.put(
            f"http://{url.netloc}{'/'.join(parts)}", params=query, data=bytes(50), timeout=10
        )
        check_error(answer, 401)

    def test_that_have_expired_are_refused_and_renewed_by_a_look(
        self, server: RunningServer
    ) -> None:
        upload = create(server, body(bytes(100), 2))
        signer, past = server.store.uploads.signer, int(time.time()) - 1
        base = f"{server.api}/uploads/{upload['id']}/parts"
        signature = signer.sign(upload["id"], 1, past)
        check_error(put(f"{base}/1?expires={past}&signature={signature}", bytes(50)), 401)
        assert put(look(server, upload)["parts"][0]["url"], bytes(50)).status_code == 200

    @pytest.mark.parametrize("number", [0, 3, 10**9])
    def test_of_parts_that_there_are_not_are_unknown(
        self, server: RunningServer, number: int
    ) -> None:
        upload = create(server, body(bytes(100), 2))
        signer = server.store.uploads.signer
        expires = signer.expiry()
        signature = signer.sign(upload["id"], number, expires)
        url = f"{server.api}/uploads/{upload['id']}/parts/{number}"
        check_error(put(f"{url}?expires={expires}&signature={signature}", bytes(50)), 404)

    def test_tell_when_they_expire_in_both_forms(self, server: RunningServer) -> None:
        part: dict[str, str] = create(server, body(bytes(100)))["parts"][0]
        seconds = int(parse_qs(urlsplit(part["url"]).query)["expires"][0])
        told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        assert part["expires"].startswith(told)
        assert part["expires"].endswith("Z")

    def test_lead_to_the_address_that_the_client_used(self, server: RunningServer) -> None:
        how = {"headers": {"Host": f"localhost:{server.port}"}}
        upload = create(server, body(bytes(100)), **how)
        assert upload["parts"][0]["url"].startswith(f"http://localhost:{server.port}/api/admin/")

    def test_lead_to_the_public_address_behind_a_proxy(self, fresh: RunningServer) -> None:
        fresh.store.settings.change({"public_url": "https://studio.example/comfy"})
        key = {"X-API-Key": fresh.store.access.key, "Host": "studio.example"}
        upload = create(fresh, body(bytes(100)), headers=key)
        start = "https://studio.example/comfy/api/admin/uploads/"
        assert upload["parts"][0]["url"].startswith(start)

    def test_are_valid_after_a_restart(self, tmp_path: Path) -> None:
        data = model("restart")
        with RunningServer(tmp_path / "root") as first:
            upload = create(first, body(data, 2))
            send(upload, data, [1])
        with RunningServer(tmp_path / "root", port=first.port) as second:
            send(upload, data, [2])
            assert completed(second, upload)["sha256"] == hashlib.sha256(data).hexdigest()

    def test_end_with_the_key_that_has_been_changed(self, tmp_path: Path) -> None:
        with RunningServer(tmp_path / "root", Options(key="one-key")) as first:
            upload = create(first, body(bytes(10)))
        with RunningServer(tmp_path / "root", Options(key="another"), port=first.port):
            check_error(put(upload["parts"][0]["url"], bytes(10)), 401)


class TestBrokenConnections:
    def begin(self, server: RunningServer, url: str, headers: str) -> socket.socket:
        parts = urlsplit(url)
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        line = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        connection.sendall(f"{line}{headers}\r\n".encode())
        return connection

    @pytest.mark.parametrize("headers", ["Content-Length: 2500000", "Transfer-Encoding: chunked"])
    def test_count_for_nothing_and_the_part_is_sent_again(
        self, server: RunningServer, headers: str
    ) -> None:
        data = model(f"broken {headers}", 5 << 20)
        upload = create(server, body(data, 2, fileName="broken.safetensors"))
        with self.begin(server, upload["parts"][0]["url"], f"{headers}\r\n") as connection:
            connection.sendall(b"200000\r\n" + bytes(1 << 21) + b"\r\n")
            until(lambda: look(server, upload)["receivedBytes"] > 0)
        until(lambda: look(server, upload)["receivedBytes"] == 0)
        assert check_error(act(server, upload), 409)["missing"] == [1, 2]
        send(upload, data)
        completed(server, upload)

    def test_that_stand_still_keep_nobody_from_going_on(self, server: RunningServer) -> None:
        data = model("stalled", 3 << 20)
        upload = create(server, body(data, 2))
        piece = cut(data, 2)[0]
        headers = f"Content-Length: {len(piece)}\r\n"
        with self.begin(server, upload["parts"][0]["url"], headers) as connection:
            connection.sendall(piece[:-1])
            until(lambda: look(server, upload)["receivedBytes"] > 0)
            send(upload, data)
            over = completed(server, upload)
            connection.sendall(b"X")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 409
        assert models(server.root)[over["fileName"]] == data


def test_part_addresses_are_described(server: RunningServer) -> None:
    document = json.loads(server.get("/openapi.json").text)
    put_part: dict[str, Any] = document["paths"]["/uploads/{uploadId}/parts/{n}"]["put"]
    assert put_part["security"] == []
    created = document["paths"]["/uploads"]["post"]
    assert "269" in created["responses"]
