"""What the surroundings offer: here, one root folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from comfyui_curator.store.errors import BadInput, Misconfigured
from comfyui_curator.store.host import Host, is_loopback, root_host


class TestARoot:
    def test_has_everything_below_it_and_made(self, tmp_path: Path) -> None:
        host = root_host(tmp_path / "root")
        assert host.data == tmp_path / "root" / "curator"
        assert host.input == tmp_path / "root" / "assets" / "input"
        assert host.output == tmp_path / "root" / "assets" / "output"
        assert host.models == tmp_path / "root" / "models"
        assert all(folder.is_dir() for folder in (host.data, host.input, host.output, host.models))
        assert (host.models / "loras").is_dir()

    def test_may_be_relative_or_below_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert root_host(Path("root")).data == tmp_path / "root" / "curator"
        assert root_host(Path("~/mine")).data == tmp_path / "mine" / "curator"

    def test_that_cannot_be_written_stops_the_start_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(Misconfigured) as refused:
            root_host(tmp_path / "file" / "root")
        assert str(tmp_path / "file" / "root") in refused.value.text
        assert "\n" not in refused.value.text

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write to")
    def test_may_have_its_models_where_nobody_may_write(self, tmp_path: Path) -> None:
        (tmp_path / "models").symlink_to("/proc/self/fdinfo", target_is_directory=True)
        assert root_host(tmp_path).data.is_dir()

    def test_knows_folders_that_a_person_makes_while_we_run(self, tmp_path: Path) -> None:
        host = root_host(tmp_path)
        (host.models / "my_detectors").mkdir()
        assert host.model_folders()["my_detectors"] == [host.models / "my_detectors"]
        assert host.model_folders()["loras"] == [host.models / "loras"]

    def test_stands_that_the_models_are_unplugged(self, tmp_path: Path) -> None:
        host = root_host(tmp_path)
        shutil.rmtree(host.models)
        assert host.places("loras/SDXL") == [host.models / "loras" / "SDXL"]


class TestPlaces:
    @pytest.mark.parametrize(
        "dest,place",
        [
            ("loras", "loras"),
            ("loras/SDXL/new", "loras/SDXL/new"),
            ("loras\\SDXL", "loras/SDXL"),
            ("clip/x", "text_encoders/x"),
            ("unet", "diffusion_models"),
            ("sam2", "sam2"),
        ],
    )
    def test_lie_below_the_root_of_the_type(self, tmp_path: Path, dest: str, place: str) -> None:
        host = root_host(tmp_path)
        assert host.places(dest) == [host.models / place]

    @pytest.mark.parametrize("dest", ["", "..", "loras/../..", "/etc", "C:/x", "loras//x"])
    def test_that_lead_out_are_refused(self, tmp_path: Path, dest: str) -> None:
        with pytest.raises(BadInput):
            root_host(tmp_path).places(dest)

    def test_are_one_a_root_with_the_first_for_new_files(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        host = Host(
            data=tmp_path,
            input=tmp_path,
            output=tmp_path,
            models=tmp_path / "models",
            model_folders=lambda: {"loras": [one, two]},
        )
        assert host.places("loras/SDXL") == [one / "SDXL", two / "SDXL"]
        assert host.places("vae") == [tmp_path / "models" / "vae"]


class TestTheAddress:
    @pytest.mark.parametrize(
        "listens,address,beyond",
        [
            (("127.0.0.1",), "http://127.0.0.1:8189", False),
            (("0.0.0.0",), "http://127.0.0.1:8189", True),
            (("::",), "http://127.0.0.1:8189", True),
            (("::1",), "http://[::1]:8189", False),
            (("127.0.0.1", "192.168.1.5"), "http://127.0.0.1:8189", True),
            (("192.168.1.5",), "http://192.168.1.5:8189", True),
            ((), "http://127.0.0.1:8189", False),
        ],
    )
    def test_is_one_that_a_person_on_this_machine_can_open(
        self, tmp_path: Path, listens: tuple[str, ...], address: str, beyond: bool
    ) -> None:
        host = root_host(tmp_path, listens=listens, port=8189)
        assert host.address == address
        assert host.beyond_loopback is beyond


@pytest.mark.parametrize(
    "address,loopback",
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("2130706433", False),
        ("127.1", False),
    ],
)
def test_only_this_machine_is_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


class TestTypesOfModels:
    def test_are_those_whose_files_may_be_models(self, tmp_path: Path) -> None:
        said = {
            "loras": frozenset((".safetensors",)),
            "configs": frozenset((".yaml",)),
            "custom_nodes": frozenset[str](),
            "diffusers": frozenset(("folder",)),
            "texts": frozenset((".txt",)),
        }
        host = Host(
            data=tmp_path,
            input=tmp_path,
            output=tmp_path,
            models=tmp_path,
            model_folders=lambda: {kind: [tmp_path] for kind in [*said, "unsorted", "vae"]},
            model_suffixes=lambda: said,
        )
        assert host.model_types() == ["diffusers", "loras", "vae"]
        assert host.suffixes("loras") == {".safetensors"}
        assert ".gguf" in host.suffixes("vae")
        assert not host.is_generating()
