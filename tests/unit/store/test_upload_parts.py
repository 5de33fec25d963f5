"""Parts of an upload on the disk: every way they may come, and the file that comes of them."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.errors import BadInput, Conflict, DiskFull, NotFound, TooLarge
from comfyui_curator.store.transfer_patience import Stopped
from comfyui_curator.store.upload_hashing import Follower, Prefix
from comfyui_curator.store.upload_joining import gather, needs_copy
from comfyui_curator.store.upload_parts import Parts, no_parts
from comfyui_curator.store.upload_places import Plan, give_back, write_at
from tests.small_disk import full, small_disk


class Disk:
    """One upload, and what would be there after a kill at this moment."""

    def __init__(self, folder: Path, data: bytes, count: int) -> None:
        self.path = folder / "one.part"
        self.data = data
        self.count = count
        self.saved: dict[str, Any] = no_parts("one", len(data), count)
        self.path.touch()
        os.truncate(self.path, len(data))
        self.parts = self.again()

    def again(self) -> Parts:
        """As the next start finds it."""
        size, count = len(self.data), self.count
        self.parts = Parts(self.path, self.saved, self.save, size=size, count=count)
        return self.parts

    def save(self, state: dict[str, Any]) -> None:
        self.saved = state

    def send(self, number: int, data: bytes, *, tell: bool = True) -> None:
        writer = self.parts.begin(number, len(data) if tell else None)
        writer.write([data[:3], data[3:]])
        writer.finish()

    def send_all(self, order: list[int] | None = None) -> None:
        for number in order or range(1, self.count + 1):
            self.send(number, self.cut(number))

    def cut(self, number: int) -> bytes:
        plan = self.parts.plan
        return self.data[plan.start(number) :][: plan.length(number)]

    def gathered(self) -> str:
        self.parts.close()
        return gather(self.parts, Prefix(self.parts), lambda: None)

    def check(self) -> None:
        """The file is right, and nothing lies beside it."""
        assert self.gathered() == hashlib.sha256(self.data).hexdigest()
        assert self.path.read_bytes() == self.data
        assert list(self.path.parent.iterdir()) == [self.path]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, random.Random(1).randbytes(100_003), 7)


class TestPlan:
    @pytest.mark.parametrize("size,count", [(10, 3), (10, 7), (10, 10), (1, 1), (100, 1), (9, 3)])
    def test_covers_the_file_once(self, size: int, count: int) -> None:
        plan = Plan.of(size, count)
        assert plan.start(1) == 0
        for number in range(1, count):
            assert plan.start(number) + plan.length(number) == plan.start(number + 1)
        assert plan.start(count) + plan.length(count) == size

    def test_follows_a_client_that_cuts_by_a_size_of_its_own(self) -> None:
        plan = Plan.of(63, 4)  # 16, 16, 16, 15
        assert plan.fitting(1, 20) == Plan(63, 4, 20)  # 20, 20, 20, 3
        assert plan.fitting(4, 3) == Plan(63, 4, 20)
        assert plan.fitting(2, 40) is plan
        assert plan.fitting(4, 2) is plan
        assert plan.fitting(1, 0) is plan


def test_pieces_are_written_where_the_system_has_no_pwritev(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pwritev", raising=False)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("r+b") as file:
        assert write_at(file.fileno(), [b"ab", b"", b"c"], 4) == 3
    assert path.read_bytes() == b"0123abc789"


class TestParts:
    @pytest.mark.parametrize("seed", range(4))
    def test_in_any_order_make_the_file(self, disk: Disk, seed: int) -> None:
        order = list(range(1, 8))
        random.Random(seed).shuffle(order)
        disk.send_all(order)
        assert disk.parts.missing() == []
        assert not needs_copy(disk.parts)
        disk.check()

    def test_that_are_missing_are_named(self, disk: Disk) -> None:
        disk.send_all([3, 5])
        assert disk.parts.missing() == [1, 2, 4, 6, 7]
        assert disk.parts.received() == 2 * disk.parts.plan.stride

    @pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
    @pytest.mark.parametrize("cuts", [(5, 95), (50, 51), (99, 100), (0, 30)])
    def test_of_unequal_sizes_are_joined_in_order(
        self, tmp_path: Path, cuts: tuple[int, int], order: list[int]
    ) -> None:
        data = random.Random(2).randbytes(101)
        disk = Disk(tmp_path, data, 3)
        pieces = [data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]]
        for number in order:
            disk.send(number, pieces[number - 1])
        assert disk.parts.missing() == []
        disk.check()

    def test_of_one_size_chosen_by_the_client_lie_in_their_place_at_once(
        self, tmp_path: Path
    ) -> None:
        data = random.Random(2).randbytes(63)
        disk = Disk(tmp_path, data, 4)
        for number in (4, 2, 1, 3):
            disk.send(number, data[(number - 1) * 20 : number * 20])
        assert disk.parts.aside() == {}
        disk.check()

    def test_without_a_told_length_count_too(self, disk: Disk) -> None:
        for number in range(1, 8):
            disk.send(number, disk.cut(number), tell=False)
        disk.check()

    def test_sent_again_with_the_same_bytes_change_nothing(self, disk: Disk) -> None:
        disk.send_all()
        before = disk.saved
        disk.send(3, disk.cut(3))
        assert disk.saved is before
        disk.check()

    def test_sent_again_with_other_bytes_replace_the_first(self, disk: Disk) -> None:
        right = disk.cut(3)
        disk.send(3, bytes(len(right)))
        disk.send_all([1, 2, 4, 5, 6, 7])
        disk.send(3, right)
        disk.check()

    def test_that_break_off_when_sent_again_leave_the_first(self, disk: Disk) -> None:
        disk.send_all()
        writer = disk.parts.begin(3, len(disk.cut(3)))
        writer.write([b"wrong"])
        with pytest.raises(BadInput):
            writer.finish()
        disk.check()

    def test_that_break_off_are_missing(self, disk: Disk) -> None:
        writer = disk.parts.begin(3, len(disk.cut(3)))
        writer.write([b"wrong"])
        writer.abandon()
        disk.send_all([1, 2, 4, 5, 6, 7])
        assert disk.parts.missing() == [3]
        disk.send(3, disk.cut(3))
        disk.check()

    def test_of_ten_senders_at_once_are_whole_whoever_ends_last(self, disk: Disk) -> None:
        size = len(disk.cut(2))
        start = threading.Barrier(10)

        def send(value: int) -> None:
            start.wait()
            writer = disk.parts.begin(2, size)
            for _ in range(size // 100):
                writer.write([bytes([value]) * 100])
            writer.write([bytes([value]) * (size % 100)])
            writer.finish()

        threads = [threading.Thread(target=send, args=(value,)) for value in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        disk.send_all([1, 3, 4, 5, 6, 7])
        disk.gathered()
        plan = disk.parts.plan
        found = disk.path.read_bytes()[plan.start(2) :][:size]
        assert len(set(found)) == 1
        assert list(disk.path.parent.iterdir()) == [disk.path]

    def test_a_stalled_sender_keeps_nobody_from_sending_it_again(self, disk: Disk) -> None:
        stalled = disk.parts.begin(1, len(disk.cut(1)))
        stalled.write([b"stale"])
        disk.send_all()
        disk.gathered()
        with pytest.raises(Conflict):
            stalled.write([b"late"])
        disk.check()

    def test_that_are_none_are_refused(self, disk: Disk) -> None:
        for number in (0, 8, -1, 10**9):
            with pytest.raises(NotFound):
                disk.parts.begin(number, 1)

    def test_that_are_too_long_are_refused(self, disk: Disk) -> None:
        with pytest.raises(TooLarge):
            disk.parts.begin(1, len(disk.data) + 1)
        writer = disk.parts.begin(1, None)
        with pytest.raises(TooLarge):
            writer.write([bytes(len(disk.data) + 1)])
        writer.abandon()
        disk.send_all([1, 2, 3, 4, 5, 6])
        with pytest.raises(TooLarge):
            disk.parts.begin(7, len(disk.cut(7)) + 1)
        disk.send(7, disk.cut(7))
        disk.check()

    def test_survive_a_kill_at_any_moment(self, disk: Disk) -> None:
        for number in range(1, 8):
            disk.send(number, disk.cut(number))
            torn = disk.parts.begin(number % 7 + 1, len(disk.cut(number % 7 + 1)))
            torn.write([b"torn"])
            disk.again().clear_leftovers()
        disk.check()


class TestGathering:
    def cut_off(self, disk: Disk, after: int) -> None:
        """Gather, and be killed at the so-manieth look around."""
        left = [after]

        def check() -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stopped

        disk.parts.close()
        with pytest.raises(Stopped):
            gather(disk.parts, Prefix(disk.parts), check)

    @pytest.mark.parametrize("after", range(4))
    def test_is_repeated_after_a_kill(self, tmp_path: Path, after: int) -> None:
        data = random.Random(2).randbytes(101)
        disk = Disk(tmp_path, data, 3)
        for number, piece in enumerate((data[:7], data[7:20], data[20:]), 1):
            disk.send(number, piece)
        if after < 3:
            self.cut_off(disk, after)
        else:
            # Killed between the record and the renaming.
            save, name = disk.save, disk.parts.joined

            def dying_save(state: dict[str, Any]) -> None:
                save(state)
                if state.get("joined"):
                    raise Stopped

            disk.parts = Parts(disk.path, disk.saved, dying_save, size=101, count=3)
            with pytest.raises(Stopped):
                disk.gathered()
            assert name.exists()
        disk.again()
        disk.gathered()
        assert disk.path.read_bytes() == data

    def test_copies_only_the_part_that_lies_aside(self, disk: Disk) -> None:
        disk.send(2, bytes(len(disk.cut(2))))
        disk.send_all([1, 3, 4, 5, 6, 7])
        disk.send(2, disk.cut(2))
        assert list(disk.parts.aside()) == [2]
        assert not needs_copy(disk.parts)
        self.cut_off(disk, 0)
        disk.again()
        disk.check()


class TestHashing:
    def test_follows_what_arrives_from_the_beginning_on(self, disk: Disk) -> None:
        prefix = Prefix(disk.parts)
        failures: list[OSError] = []
        follower = Follower(fail=lambda _, error: failures.append(error))
        for number in (2, 1, 4, 3, 7, 5, 6):
            disk.send(number, disk.cut(number))
            follower.follow(disk.parts, prefix)
        follower.settle()
        disk.parts.close()
        # Whatever is read from now on would be seen.
        disk.path.write_bytes(bytes(len(disk.data)))
        assert prefix.finish(lambda: None) == hashlib.sha256(disk.data).hexdigest()
        assert failures == []

    def test_begins_anew_when_a_hashed_part_gives_way_to_another(self, disk: Disk) -> None:
        right = disk.cut(1)
        disk.send(1, bytes(len(right)))
        disk.send_all([2, 3, 4, 5, 6, 7])
        prefix = Prefix(disk.parts)
        assert not prefix.grow(10**9)
        disk.send(1, right)
        disk.parts.close()
        assert gather(disk.parts, prefix, lambda: None) == hashlib.sha256(disk.data).hexdigest()


class TestAFullDisk:
    def test_costs_only_the_part_that_did_not_fit(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", "4m") as folder:
            disk = Disk(folder, random.Random(1).randbytes(1 << 20), 4)
            disk.send_all([1, 2])
            with full(folder), pytest.raises(DiskFull):
                disk.send(3, disk.cut(3))
            assert disk.parts.missing() == [3, 4]
            disk.send_all([3, 4])
            disk.check()

    def test_gets_back_what_a_part_has_taken(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", "4m") as folder:
            disk = Disk(folder, bytes(range(256)) * 4096, 2)
            before = disk.path.stat().st_blocks
            writer = disk.parts.begin(2, len(disk.cut(2)))
            writer.write([disk.cut(2)[:-1]])
            assert disk.path.stat().st_blocks > before
            writer.abandon()
            with disk.path.open("r+b") as file:
                give_back(file.fileno(), 0, 1)
            if os.path.ismount(folder):
                assert disk.path.stat().st_blocks == before
