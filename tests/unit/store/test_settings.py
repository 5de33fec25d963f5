"""What a person sets, and what flags and the environment say."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.errors import BadInput, DiskFull, Misconfigured
from comfyui_curator.store.settings import CIVITAI, Options, Settings
from tests.small_disk import full, small_disk

KEY = "made-up-key-of-a-test"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


class TestSettings:
    def test_are_the_defaults_where_nothing_was_said(self, path: Path) -> None:
        settings = Settings(path, Options())
        assert settings.values.civitai_key == ""
        assert settings.values.require_key is None
        assert not path.exists()

    def test_are_there_again_after_a_restart(self, path: Path) -> None:
        Settings(path, Options()).change({"civitai_in_flight": 2, "allow_hosts": ["box"]})
        values = Settings(path, Options()).values
        assert (values.civitai_in_flight, values.allow_hosts) == (2, ["box"])

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    def test_lie_in_a_file_that_only_its_owner_reads(self, path: Path) -> None:
        Settings(path, Options()).change({"civitai_key": KEY})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_show_of_a_key_only_that_it_is_set(self, path: Path) -> None:
        settings = Settings(path, Options())
        assert settings.shown()["civitai_key_set"] is False
        settings.change({"civitai_key": f"  {KEY}\n"})
        assert settings.values.civitai_key == KEY
        shown = settings.shown()
        assert shown["civitai_key_set"] is True
        assert KEY not in json.dumps(shown)
        assert "civitai_key" not in shown

    @pytest.mark.parametrize(
        "changes,field",
        [
            ({"civitai_in_flight": 0}, "civitai_in_flight"),
            ({"civitai_in_flight": "4"}, "civitai_in_flight"),
            ({"proxy": "ftp://x"}, "proxy"),
            ({"proxy": "http://["}, "proxy"),
            ({"public_url": "example.org"}, "public_url"),
            ({"allow_hosts": "box"}, "allow_hosts"),
            ({"allow_hosts": [1]}, "allow_hosts"),
            ({"require_key": 1}, "require_key"),
            ({"civitai_key": "two words"}, "civitai_key"),
            ({"civitai_key": "clé"}, "civitai_key"),
            ({"civitai_key": "a\nb"}, "civitai_key"),
        ],
    )
    def test_that_cannot_be_meant_change_nothing(
        self, path: Path, changes: dict[str, Any], field: str
    ) -> None:
        settings = Settings(path, Options())
        settings.change({"civitai_key": KEY})
        before = path.read_bytes()
        with pytest.raises(BadInput) as refused:
            settings.change({"proxy_foreign": True, **changes})
        assert refused.value.field == field
        assert path.read_bytes() == before
        assert settings.values.proxy_foreign is False
        if "civitai_key" in changes:
            assert changes["civitai_key"] not in refused.value.text

    def test_of_later_versions_survive_and_unknown_ones_are_not_taken(self, path: Path) -> None:
        path.write_text('{"from_the_future": [1], "civitai_in_flight": 3}')
        settings = Settings(path, Options())
        settings.change({"proxy_foreign": True, "nonsense": 1})
        stored = json.loads(path.read_text("utf-8"))
        assert stored == {"from_the_future": [1], "civitai_in_flight": 3, "proxy_foreign": True}

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", '"x"', '{"civitai_in_flight": 99}', '{"proxy": 7}', "\ufeff{", "\x00"],
    )
    def test_in_a_broken_file_are_told_in_one_line_that_names_it(
        self, path: Path, text: str
    ) -> None:
        path.write_text(text, "utf-8")
        with pytest.raises(Misconfigured) as refused:
            Settings(path, Options())
        assert str(path) in refused.value.text
        assert "\n" not in refused.value.text
        assert path.read_text("utf-8") == text

    def test_in_a_file_that_is_no_text_are_told_too(self, path: Path) -> None:
        path.write_bytes(b"\xff\xfe{\x00")
        with pytest.raises(Misconfigured):
            Settings(path, Options())
        path.unlink()
        path.mkdir()
        with pytest.raises(Misconfigured):
            Settings(path, Options())

    def test_on_a_full_disk_stay_as_they_were(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as folder:
            settings = Settings(folder / "settings.json", Options())
            settings.change({"civitai_in_flight": 2})
            hosts = ["h" * 100] * 90
            with full(folder), pytest.raises(DiskFull):
                settings.change({"allow_hosts": hosts})
            assert settings.values.allow_hosts == []
            assert Settings(folder / "settings.json", Options()).values.civitai_in_flight == 2
            assert settings.change({"allow_hosts": hosts}).allow_hosts == hosts


class TestOptions:
    def test_come_from_the_environment(self) -> None:
        options = Options.read(
            {
                "CURATOR_CIVITAI": "http://127.0.0.1:1/",
                "CURATOR_ALLOW_HOST": "box, other.local ,",
                "CURATOR_REQUIRE_KEY": "yes",
                "CURATOR_KEY": " door ",
                "CIVITAI_API_KEY": KEY,
            }
        )
        assert options.civitai == "http://127.0.0.1:1"
        assert options.key == "door"
        assert options.overrides == {
            "civitai_key": KEY,
            "allow_hosts": ["box", "other.local"],
            "require_key": True,
        }

    def test_by_flag_win_over_the_environment(self) -> None:
        options = Options.read(
            {"CURATOR_CIVITAI": "http://a.example", "CURATOR_REQUIRE_KEY": "0"},
            {"civitai": "http://b.example", "require_key": True, "huggingface": None},
        )
        assert options.civitai == "http://b.example"
        assert options.overrides["require_key"] is True

    def test_are_the_real_addresses_where_nothing_is_said(self) -> None:
        assert Options.read({}) == Options()
        assert Options.read({"CURATOR_CIVITAI": ""}).civitai == CIVITAI

    @pytest.mark.parametrize(
        "environment",
        [
            {"CURATOR_CIVITAI": "civitai"},
            {"CURATOR_HUGGINGFACE": "file:///etc/passwd"},
            {"CURATOR_REQUIRE_KEY": "maybe"},
            {"CURATOR_PUBLIC_URL": "nonsense"},
            {"CIVITAI_API_KEY": "two words"},
        ],
    )
    def test_that_cannot_be_meant_stop_the_start(self, environment: dict[str, str]) -> None:
        with pytest.raises(Misconfigured) as refused:
            Options.read(environment)
        assert "\n" not in refused.value.text

    def test_win_over_the_file_and_cannot_be_changed_there(self, path: Path) -> None:
        path.write_text('{"require_key": false, "civitai_in_flight": 3}')
        settings = Settings(path, Options.read({"CURATOR_REQUIRE_KEY": "1"}))
        assert settings.values.require_key is True
        assert settings.values.civitai_in_flight == 3
        assert settings.shown()["fixed"] == ["require_key"]
        with pytest.raises(BadInput) as refused:
            settings.change({"require_key": False})
        assert refused.value.field == "require_key"
        settings.change({"require_key": True, "civitai_in_flight": 5})
        assert settings.values.civitai_in_flight == 5
