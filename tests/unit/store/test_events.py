"""What has changed, in order, for who listens and for who comes back."""

from __future__ import annotations

import threading

from comfyui_curator.store.events import Event, Events


def test_a_listener_hears_each_change_in_order_until_it_stops() -> None:
    events = Events()
    heard: list[Event] = []
    stop = events.listen(heard.append)
    events.publish("gallery", id="1", change="added")
    events.publish("catalog", change="removed")
    stop()
    events.publish("settings")
    assert [(event.seq, event.topic) for event in heard] == [(1, "gallery"), (2, "catalog")]
    assert heard[0].data == {"id": "1", "change": "added"}
    assert events.seq == 3


def test_who_comes_back_gets_what_was_missed() -> None:
    events = Events()
    for number in range(5):
        events.publish("gallery", number=number)
    missed = events.since(3)
    assert missed is not None
    assert [event.data["number"] for event in missed] == [3, 4]
    assert events.since(5) == []


def test_who_was_away_too_long_or_came_from_another_run_is_told_so() -> None:
    events = Events()
    for _ in range(1001):
        events.publish("gallery")
    assert events.since(0) is None
    assert len(events.since(1) or []) == 1000
    assert events.since(1002) is None


def test_changes_at_once_are_heard_in_the_order_of_their_numbers() -> None:
    events = Events()
    heard: list[int] = []
    events.listen(lambda event: heard.append(event.seq))

    def publish() -> None:
        for _ in range(200):
            events.publish("gallery")

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == list(range(1, 1601))


def test_each_run_has_its_own_name() -> None:
    assert Events().run != Events().run
