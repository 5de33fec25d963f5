"""Collections of models and pictures, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.gallery import Facts
from tests.answers import check_error
from tests.libraries import put
from tests.serving import RunningServer
from tests.upstream.pictures import png
from tests.waiting import until

ROOT = "/library/collections"
MODELS = [f"{n:064x}" for n in range(1, 9)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """With eight models and two pictures, for all tests of this module."""
    folder = tmp_path_factory.mktemp("collections")
    with RunningServer(folder / "root") as running:
        for n, sha256 in enumerate(MODELS):
            running.store.records.make(sha256, name=f"Model {n}", type="loras")
        yield running


@pytest.fixture(scope="module")
def pictures(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found: list[str] = []
    for n in (1, 2):
        path: Path = tmp_path_factory.mktemp("pictures") / "p.png"
        path.write_bytes(png(str(n), 32, 24))
        found.append(server.store.gallery.add_file(path, Facts(str(n)))["id"])
    return found


def make(server: RunningServer, name: str, *models: str, **more: Any) -> str:
    answer = server.post(ROOT, json={"name": name, **more})
    assert answer.status_code == 200, answer.text
    made = answer.json()["id"]
    if models:
        add(server, made, *models)
    return made


def of_models(*ids: str) -> list[dict[str, str]]:
    return [{"kind": "model", "id": each} for each in ids]


def add(server: RunningServer, collection: str, *models: str, **more: Any) -> dict[str, Any]:
    answer = server.post(f"{ROOT}/{collection}/items", json={"items": of_models(*models), **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def order_of(server: RunningServer, collection: str, **query: Any) -> list[str]:
    answer = server.get(f"{ROOT}/{collection}/items", params=query).json()
    return [item["id"] for item in answer["items"]]


def test_a_new_collection_is_in_the_list_and_the_same_name_again_is_the_same(
    server: RunningServer,
) -> None:
    made = server.post(ROOT, json={"name": " Night ", "color": "#102030"}).json()
    assert made["name"] == "Night"
    assert (made["models"], made["pictures"], made["cover"]) == (0, 0, None)
    again = server.post(ROOT, json={"name": "NIGHT", "description": "other"})
    assert (again.status_code, again.json()) == (200, made)
    listed = server.get(ROOT, params={"q": "nig"}).json()
    assert listed == {"collections": [made], "total": 1}
    assert server.get(f"{ROOT}/{made['id']}").json() == made


def test_pages_and_sorts_the_list(server: RunningServer) -> None:
    for name in ("page b", "Page a", "page c"):
        make(server, name, *MODELS[: ord(name[-1]) - ord("a")])
    query = {"q": "page ", "limit": 2}
    first = server.get(ROOT, params=query).json()
    assert [each["name"] for each in first["collections"]] == ["Page a", "page b"]
    assert first["total"] == 3
    rest = server.get(ROOT, params={**query, "offset": 2}).json()["collections"]
    assert [each["name"] for each in rest] == ["page c"]
    most = server.get(ROOT, params={**query, "sort": "items", "order": "desc"}).json()
    assert [each["models"] for each in most["collections"]] == [2, 1]


def test_is_renamed_described_and_removed_with_its_items(server: RunningServer) -> None:
    made = make(server, "Old", MODELS[0])
    make(server, "Taken")
    changed = server.ask("PATCH", f"{ROOT}/{made}", json={"name": "New", "description": "d"})
    assert (changed.json()["name"], changed.json()["description"]) == ("New", "d")
    check_error(server.ask("PATCH", f"{ROOT}/{made}", json={"name": "taken"}), 409, "name")
    assert server.ask("PATCH", f"{ROOT}/{made}", json={"name": "NEW"}).status_code == 200
    assert server.delete(f"{ROOT}/{made}").json() == {"status": "deleted"}
    check_error(server.get(f"{ROOT}/{made}"), 404)
    check_error(server.delete(f"{ROOT}/{made}"), 404)
    again = make(server, "New")
    assert order_of(server, again) == []


def test_keeps_models_and_pictures_in_the_order_they_are_put_in(
    server: RunningServer, pictures: list[str]
) -> None:
    made = make(server, "Both", MODELS[2])
    items = [{"kind": "picture", "id": pictures[0] + ".png"}, *of_models(MODELS[0].upper())]
    told = server.post(f"{ROOT}/{made}/items", json={"items": items}).json()
    assert told == {"added": 2, "already": 0, "unknown": [], "total": 3}
    assert order_of(server, made) == [MODELS[2], pictures[0], MODELS[0]]
    assert order_of(server, made, kind="picture") == [pictures[0]]
    assert order_of(server, made, kind="model", order="desc") == [MODELS[0], MODELS[2]]
    shown = server.get(f"{ROOT}/{made}/items").json()["items"]
    assert shown[0]["model"]["name"] == "Model 2"
    assert shown[1]["picture"]["id"] == pictures[0]
    card = server.get(f"{ROOT}/{made}").json()
    assert (card["models"], card["pictures"], card["cover"]) == (2, 1, pictures[0])


def test_what_is_in_already_stays_and_what_nobody_knows_is_told(server: RunningServer) -> None:
    made = make(server, "Again", *MODELS[:3])
    told = add(server, made, MODELS[0], "f" * 64, MODELS[3], MODELS[3])
    assert told == {"added": 1, "already": 1, "unknown": of_models("f" * 64), "total": 4}
    assert order_of(server, made) == MODELS[:4]
    assert add(server, made, MODELS[3])["added"] == 0


def test_items_come_before_another_one_or_move_there(server: RunningServer) -> None:
    made = make(server, "Order", *MODELS[:4])
    a, b, c, d, e = MODELS[:5]
    add(server, made, e, before=of_models(b)[0])
    assert order_of(server, made) == [a, e, b, c, d]
    body = {"items": of_models(d, a), "before": of_models(b)[0]}
    for _ in range(2):
        assert server.post(f"{ROOT}/{made}/order", json=body).status_code == 200
        assert order_of(server, made) == [e, d, a, b, c]
    server.post(f"{ROOT}/{made}/order", json={"items": of_models(e)})
    assert order_of(server, made) == [d, a, b, c, e]
    assert order_of(server, made, limit=2, offset=1) == [a, b]


def test_refuses_to_order_by_what_is_not_in_it(server: RunningServer) -> None:
    made = make(server, "Refuse", *MODELS[:2])
    path = f"{ROOT}/{made}/order"
    check_error(server.post(path, json={"items": of_models(MODELS[3])}), 400, "items")
    body = {"items": of_models(MODELS[0]), "before": of_models(MODELS[3])[0]}
    check_error(server.post(path, json=body), 400, "before")
    body["before"] = of_models(MODELS[0])[0]
    check_error(server.post(path, json=body), 400, "before")
    assert order_of(server, made) == MODELS[:2]


def test_takes_items_out_and_a_second_time_does_no_harm(server: RunningServer) -> None:
    made = make(server, "Out", *MODELS[:3])
    body = {"items": of_models(MODELS[1], "e" * 64)}
    assert server.delete(f"{ROOT}/{made}/items", json=body).json() == {"removed": 1}
    assert server.delete(f"{ROOT}/{made}/items", json=body).json() == {"removed": 0}
    assert order_of(server, made) == [MODELS[0], MODELS[2]]
    add(server, made, MODELS[1])
    assert order_of(server, made) == [MODELS[0], MODELS[2], MODELS[1]]


def test_tells_in_which_collections_a_model_is(server: RunningServer) -> None:
    for name in ("of b", "of A"):
        make(server, name, MODELS[7])
    told = server.get(f"{ROOT}/of/model/{MODELS[7].upper()}").json()
    assert [each["name"] for each in told["collections"]] == ["of A", "of b"]
    assert server.get(f"{ROOT}/of/picture/12345").json() == {"collections": [], "total": 0}
    check_error(server.get(f"{ROOT}/of/video/1"), 400, "kind")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "", {}, 400, "name"),
        ("POST", "", {"name": "  "}, 400, "name"),
        ("POST", "", {"name": "x" * 201}, 400, "name"),
        ("POST", "", {"name": "x", "color": "red"}, 400, "color"),
        ("GET", "?sort=size", None, 400, "sort"),
        ("GET", "?limit=0", None, 400, "limit"),
        ("GET", "/none", None, 404, None),
        ("PATCH", "/none", {"name": "x"}, 404, None),
        ("DELETE", "/none", None, 404, None),
        ("GET", "/none/items", None, 404, None),
        ("POST", "/none/items", {"items": of_models("a")}, 404, None),
        ("DELETE", "/none/items", {"items": of_models("a")}, 404, None),
        ("POST", "/none/order", {"items": of_models("a")}, 404, None),
        ("POST", "/none/items", {"items": []}, 400, "items"),
        ("POST", "/none/items", {"items": [{"kind": "x", "id": "1"}]}, 400, "items.0.kind"),
    ],
)
def test_says_what_is_wrong(
    server: RunningServer, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    check_error(server.ask(method, ROOT + path, json=body), status, field)


def test_is_there_after_a_restart(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "root") as first:
        first.store.records.make(MODELS[0])
        first.store.records.make(MODELS[1])
        made = make(first, "Kept", MODELS[1], MODELS[0])
    with RunningServer(tmp_path / "root") as second:
        assert order_of(second, made) == [MODELS[1], MODELS[0]]


def test_a_model_whose_hash_is_found_out_keeps_its_place(server: RunningServer) -> None:
    made = make(server, "Follow", MODELS[0])
    server.store.records.change("p-17", lambda record: record.update(notes="x"))
    add(server, made, "p-17", MODELS[1])
    server.store.collections.follow("model", [("p-17", "d" * 64)])
    assert order_of(server, made) == [MODELS[0], "d" * 64, MODELS[1]]


def test_a_place_in_a_collection_becomes_its_content_when_the_hash_is_known(
    tmp_path: Path,
) -> None:
    with RunningServer(tmp_path / "root") as server:
        assert server.post("/library/hashing/pause").status_code == 200
        put(tmp_path / "root", "loras/a.safetensors")
        (place,) = server.store.library.scan()
        assert not place.sha256
        made = make(server, "Early", place.place_id)
        assert order_of(server, made) == [place.place_id]
        server.store.organising.uses.note(["a.safetensors"])
        assert server.post("/library/hashing/resume").status_code == 200
        (sha256,) = until(lambda: [x.sha256 for x in server.store.library.places.all() if x.sha256])
        assert until(lambda: order_of(server, made) == [sha256])
        assert until(lambda: server.store.organising.last_used(sha256))
        told = server.get(f"{ROOT}/of/model/{place.place_id}").json()
        assert [each["id"] for each in told["collections"]] == [made]
