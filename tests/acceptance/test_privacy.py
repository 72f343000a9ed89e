"""What people entered stays inside: endpoints repeat it in every way they can, and nobody hears it unrevealed.

A real daemon process, endpoints that echo the values of each record in messages, keys, pages and headers, a mail
server and a chat webhook. Every surface is then read for every value, and for every secret.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from healthdesk.api.connections import CallbackVerification, ConnectionCreate, Credentials, HeartbeatRequest
from healthdesk.api.integrations import EnvironmentSettings, IntegrationCreate
from healthdesk.api.keys import KeyCreate
from healthdesk.api.sources import SourceCreate, SourceEnable
from healthdesk.client.client import Client
from healthdesk.domain.masking import MASK
from tests.harness.desk import Desk
from tests.harness.serving import until
from tests.harness.sinks import Chat, serving
from tests.integration.notify_sinks import SmtpSink

NAME, MAIL, BORN = "Zsófia Quillfeather", "zsofia.q@maildomain.example", "1951-07-23"
PHONE, MEMBER_NO, SCORE = "+36 30 987 65 43", 84726153, 847.2653
DATA = {
    "participant": {"name": NAME, "contact": [{"mail": MAIL}, {"phone": PHONE}]},
    "born": BORN,
    "member": MEMBER_NO,
    "score": SCORE,
    "condition": "Wolff-Parkinson-White syndrome",
    "answers": {"q1": "I sleep badly since Thistlewood left", "ключ": "Ωμέγα-три-9"},
}
TRACES = (
    *(
        "Quillfeather",
        "Zsófia",
        "zsofia.q",
        "maildomain",
        BORN,
        "23 July",
        "987 65 43",
        "9876543",
        str(MEMBER_NO),
    ),
    *("84,726,153", "847.2653", "Wolff", "Thistlewood", "Ωμέγα"),
)
TOKEN = "tok-4f9d2c71b8e05a63-ONLYENDS"
QUERY_KEY = "qk/8d3e+51f7&a09c=2b46"
CALLBACK_SECRET = "whsec_" + base64.b64encode(b"callback secret that nobody may see!").decode()
PASSWORD = "passw0rd-of-the-crm-3391"
BASIC = base64.b64encode(f"deskuser:{PASSWORD}".encode()).decode()
CREDENTIALS = {
    "message": Credentials(auth="bearer", token=TOKEN),
    "keys": Credentials(auth="basic", username="deskuser", password=PASSWORD),
    "page": Credentials(auth="header", header_name="X-Odd-Name", token=TOKEN),
    # a name that says nothing of a secret, and a value that is written otherwise in an address
    "text": Credentials(auth="query", fields={"parameter_name": "subscription", "token": QUERY_KEY}),
    "list": Credentials(auth="bearer", token=TOKEN),
}
CHAT_SECRET, MAIL_SECRET = "chatpath5ecret90ab", "mailpassw0rd77cd"

REFUSALS = (
    *((422, form) for form in ("message", "keys", "page", "text", "list")),
    *((401, "message"), (401, "page"), (500, "text"), (500, "keys")),
)
SETTINGS = {
    "HEALTHDESK_LOG": "DEBUG",
    "HEALTHDESK_DELIVERY__SCHEDULE": "0s,0.05s,0.05s,0.05s",
    "HEALTHDESK_ALERTS__SCHEDULE": "0s,0.5s,1s,1s",
}


def told(form: str, credential: str) -> tuple[str, str]:
    """Return content type and body of an answer that repeats the record, and the credential it came with."""
    sentence = f"{NAME} ({MAIL}), born {BORN}, no. {MEMBER_NO:,} of {PHONE} has Wolff-Parkinson-White: {SCORE}, {credential}"
    if form == "message":
        return "application/json", json.dumps({"message": sentence, "errors": [{"field": MAIL, "msg": NAME}]})
    if form == "keys":
        tree = {
            "errors": {MAIL: [f"{NAME} is unknown to {credential}"], NAME: {str(MEMBER_NO): "is required"}},
            PHONE: SCORE,
        }
        return "application/json", json.dumps(tree, ensure_ascii=False)
    if form == "list":
        return "application/json", json.dumps(
            [{"loc": ["body", NAME], "msg": f"{credential}: value {BORN} of Quillfeather"}]
        )
    if form == "page":
        page = f"<html><title>{html.escape(sentence)}</title><p>{NAME.encode('ascii', 'xmlcharrefreplace').decode()}"
        return "text/html", page
    return "text/plain; charset=utf-8", f"refused: {sentence}"


def credential_of(request: web.Request) -> str:
    """Return the credential that a request came with, as it came."""
    return (
        request.headers.get("Authorization")
        or request.headers.get("X-Odd-Name")
        or request.query.get("subscription", "")
    )


def kept_of(form: str) -> str:
    """Return what may be kept of the credential that was echoed."""
    scheme = {"bearer": "Bearer ", "basic": "Basic ", "header": "", "query": ""}[CREDENTIALS[form].auth]
    return f"{scheme}{MASK}"


async def echo(request: web.Request) -> web.Response:
    """Refuse a record with its values, and the credential, in reason, headers and body."""
    status, form = int(request.match_info["status"]), request.match_info["form"]
    credential = credential_of(request)
    content_type, body = told(form, credential)
    headers = {
        "X-Seen": credential,
        "X-Seen-As": quote(credential, safe=""),
        "X-Refused": f"Quillfeather {BORN}",
        "X-Participant": quote(NAME),
        f"X-{MEMBER_NO}": "no such member",
        "Location": f"https://crm.example/people/{quote(MAIL)}?born={BORN}",
        "Link": f"<https://crm.example/{MEMBER_NO}>; rel=about",
        "Set-Cookie": f"who={quote(MAIL)}",
        "WWW-Authenticate": f'Bearer realm="{quote(MAIL)}"',
        "Content-Type": content_type,
    }
    return web.Response(status=status, reason=f"No Quillfeather {BORN}", headers=headers, body=body.encode())


async def echo_check(request: web.Request) -> web.Response:
    """Refuse a heartbeat with the credential in header and body."""
    credential = credential_of(request)
    return web.json_response(
        {"message": f"{credential} is unknown"}, status=401, headers={"X-Seen": credential}
    )


@dataclass
class Scene:
    """A desk with everything in it that may leak, and everywhere it may leak to."""

    desk: Desk
    chat: Chat
    mail: SmtpSink
    unix: aiohttp.ClientSession
    records: dict[tuple[int, str], str] = field(default_factory=dict)
    integrations: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    async def get(self, path: str, method: str = "GET", body: object = None) -> str:
        async with self.unix.request(method, f"http://desk{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status < 300, (path, text)
            return text

    async def items(self, path: str) -> list[dict[str, str]]:
        return json.loads(await self.get(path))["items"]


async def build(scene: Scene, client: Client, port: int) -> None:
    """Set up an integration for each way to refuse, channels, and a connection that takes callbacks."""
    for name, url in (
        ("chat", f"json://127.0.0.1:{scene.chat.port}/alerts/{CHAT_SECRET}"),
        (
            "mail",
            f"mailto://bob:{MAIL_SECRET}@127.0.0.1:{scene.mail.port}?from=desk@desk.example&to=ops@desk.example",
        ),
    ):
        await client.channel_create(name, url)
    await client.source_create(SourceCreate(key="hra", name="HRA"))
    for status, form in REFUSALS:
        connection = await client.connection_create(
            ConnectionCreate(
                name=f"CRM {status} {form}",
                base_url=f"http://127.0.0.1:{port}",
                credentials=CREDENTIALS[form],
            )
        )
        made = await client.integration_create(
            IntegrationCreate(
                name=f"CRM {status} {form} records",
                production=EnvironmentSettings(connection_id=connection.id, path=f"/{status}/{form}"),
            )
        )
        scene.integrations.append(made.id)
        await client.source_enable("hra", SourceEnable(integration_id=made.id))
        key = await client.integration_key_create(made.id, KeyCreate())
        signing = await client.integration_signing_secret_create(made.id, KeyCreate())
        scene.secrets += [key.secret, signing.secret]
        scene.records[status, form] = await post(scene.desk, made.id, key.secret)
    beating = await client.connection_create(
        ConnectionCreate(
            name="beating",
            base_url=f"http://127.0.0.1:{port}",
            credentials=CREDENTIALS["message"],
            heartbeat=HeartbeatRequest(path="/health"),
            unchecked=True,
        )
    )
    await client.connection_check(beating.id)
    taking = await client.connection_create(
        ConnectionCreate(
            name="app",
            base_url="http://127.0.0.1:9",
            verification=CallbackVerification(scheme="standard_webhooks"),
            callback_secret=CALLBACK_SECRET,
        )
    )
    await call_back(scene.desk, taking.id)
    await post_garbage(scene.desk)
    scene.secrets += [
        TOKEN,
        QUERY_KEY,
        quote(QUERY_KEY, safe=""),
        PASSWORD,
        BASIC,
        CALLBACK_SECRET,
        CHAT_SECRET,
        MAIL_SECRET,
    ]


async def post(desk: Desk, integration_id: str, key: str) -> str:
    """Post the record, and once more in a form that is refused."""
    url = f"{desk.url}/v1/records/{integration_id}"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    record = {"source": "hra", "completed_at": "2026-03-02T09:00:00Z", "data": DATA}
    async with aiohttp.ClientSession(headers=headers) as http:
        for broken in (json.dumps(record)[:-4], json.dumps({**record, "source": "none"})):
            async with http.post(url, data=broken) as answer:
                assert answer.status == 400
                nothing_of(TRACES, await answer.text(), "a refusal of ours")
        async with http.post(url, json=record) as answer:
            assert answer.status == 202
            return str((await answer.json())["id"])


async def post_garbage(desk: Desk) -> None:
    """Send a request that is no HTTP, with a value and a secret in it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    writer.write(f"POST / HTTP/1.1\r\nQuillfeather {BORN} {TOKEN}\r\n\r\n".encode())
    assert b" 400 " in await reader.readline()
    writer.close()


async def call_back(desk: Desk, connection_id: str) -> None:
    """Post a callback that is signed and one that is not."""
    body, now = json.dumps(DATA), datetime.now(UTC)
    for secret, status in ((CALLBACK_SECRET, 202), ("whsec_" + base64.b64encode(b"x" * 24).decode(), 401)):
        headers = {
            "webhook-id": f"msg_{status}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(f"msg_{status}", now, body),
        }
        async with aiohttp.ClientSession(headers=headers) as http:
            async with http.post(f"{desk.url}/v1/callbacks/{connection_id}", data=body.encode()) as answer:
                assert answer.status == status


@contextlib.asynccontextmanager
async def scene_of(folder: Path, database_url: str = "") -> AsyncIterator[Scene]:
    chat = Chat()
    app = web.Application()
    app.router.add_post("/{status}/{form}", echo)
    app.router.add_get("/health", echo_check)
    app.router.add_post(f"/alerts/{CHAT_SECRET}", chat.handle)
    async with (
        serving(app) as port,
        SmtpSink(password=MAIL_SECRET) as mail,
        Desk(folder / "desk", database_url, dict(SETTINGS)) as desk,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(desk.socket))) as unix,
        desk.client() as client,
    ):
        chat.port = port
        scene = Scene(desk, chat, mail, unix)
        listening = asyncio.create_task(listen(scene))
        await build(scene, client, port)

        async def settled() -> bool:
            problems = await scene.items("/v1/problems?limit=500")
            alerts = await scene.items("/v1/alerts?limit=500")
            log = await scene.items("/v1/records?limit=500")
            return (
                len(problems) >= len(scene.records)
                and all(row["state"] == "failed" for row in log)
                and len(alerts) >= 2 * len(scene.records)
                and all(row["state"] == "sent" for row in alerts)
            )

        try:
            await until(settled, timeout_s=60)
            yield scene
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def listen(scene: Scene) -> None:
    timeout = aiohttp.ClientTimeout(total=None)
    async with scene.unix.get("http://desk/v1/events", timeout=timeout) as stream:
        async for line in stream.content:
            scene.events.append(line.decode())


def nothing_of(traces: tuple[str, ...] | list[str], text: str, where: str) -> None:
    """Fail if a trace stands in the text, in any of the ways text is written."""
    forms = {"as it is": text, "unescaped": html.unescape(text)}
    with contextlib.suppress(ValueError):
        forms["parsed"] = json.dumps(json.loads(text), ensure_ascii=False)
    for trace in traces:
        for how in (trace, quote(trace), json.dumps(trace)[1:-1]):
            for name, form in forms.items():
                at = form.casefold().find(how.casefold())
                assert at < 0, f"{trace!r} in {where} ({name}): …{form[max(0, at - 80) : at + 80]}…"


async def pages(scene: Scene) -> dict[str, str]:
    """Read everything that an operator can read without revealing."""
    paths = [
        "status",
        "apps",
        "accounts",
        "ledger",
        "connections",
        "integrations",
        "sources",
        "records",
        "channels",
    ]
    paths += ["rules", "alerts", "problems", "problems?state=open&state=resolved", "activity", "openapi.json"]
    paths += ["records/count"]
    paths += [f"integrations/{each}" for each in scene.integrations]
    paths += [f"integrations/{each}/keys" for each in scene.integrations]
    paths += [f"integrations/{each}/signing-secrets" for each in scene.integrations]
    for name in ("connections", "channels", "problems", "callbacks"):
        paths += [f"{name}/{row['id']}" for row in await scene.items(f"/v1/{name}?limit=500")]
    paths += [f"connections/{row['id']}/heartbeats" for row in await scene.items("/v1/connections")]
    for record_id in scene.records.values():
        paths += [f"records/{record_id}", f"records/{record_id}/attempts"]
        paths += [
            f"records/{record_id}/attempts/{row['id']}"
            for row in await scene.items(f"/v1/records/{record_id}/attempts")
        ]
    read = {path: await scene.get(f"/v1/{path}") for path in paths}
    read["plan"] = await scene.get("/v1/records/resend-all", "POST", {"filter": {}, "dry_run": True})
    return read


async def outside(scene: Scene) -> dict[str, str]:
    """Return everything that left the desk for people, and what its host keeps."""
    async with aiohttp.ClientSession() as http, http.get(f"{scene.desk.url}/metrics") as answer:
        metrics = await answer.text()
    return {
        "chat": json.dumps(scene.chat.messages, ensure_ascii=False),
        "mail": "\n".join(plain_mail(mail.text) for mail in scene.mail.mails),
        "events": "".join(scene.events),
        "metrics": metrics,
        "log": scene.desk.log,
    }


def plain_mail(text: str) -> str:
    """Return a message with every part decoded."""
    message = message_from_string(text, policy=default)
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([text, str(message["subject"]), *parts])


def arguments() -> str:
    """Return the arguments of every process of this host, as `ps` shows them."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(lines)


@pytest.mark.xdist_group("privacy")
async def test_no_value_leaves_unrevealed_and_no_secret_at_all(tmp_path: Path) -> None:
    async with scene_of(tmp_path) as scene:
        read, left = await pages(scene), await outside(scene)
        assert "CRM 422 keys" in left["chat"]
        assert "CRM 422 keys" in left["mail"]
        assert "record.changed" in left["events"]
        assert any(path.endswith("/heartbeats") and MASK in text for path, text in read.items())
        for where, text in (read | left).items():
            nothing_of(TRACES, text, where)

        revealed = await reveal_all(scene)
        activity = await scene.get("/v1/activity?limit=500")
        assert activity.count('"revealed"') == len(revealed)
        nothing_of(TRACES, activity, "activity")
        nothing_of(TRACES, "".join(scene.events), "events")

        read |= (
            await pages(scene)
            | {"activity": activity}
            | {f"revealed {key}": text for key, text in revealed.items()}
        )
        for where, text in (read | await outside(scene) | {"ps": arguments()}).items():
            nothing_of(scene.secrets, text, where)
        files = [path for path in (scene.desk.folder / "data").rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"healthdesk.db", "healthdesk.db-wal"}
        stored = b"".join(path.read_bytes() for path in files)
        assert b"Thistlewood" in stored
        for secret in scene.secrets:
            assert secret.encode() not in stored, secret


async def reveal_all(scene: Scene) -> dict[str, str]:
    """Reveal each record and its last attempt, and see that what was hidden is there."""
    revealed = {}
    for (status, form), record_id in scene.records.items():
        text = revealed[record_id] = await scene.get(f"/v1/records/{record_id}/reveal", "POST")
        kept = told(form, "CREDENTIAL")[1].replace("CREDENTIAL", kept_of(form))
        shown = json.loads(text)
        assert json.loads(shown["posted_body"]["text"])["data"] == DATA
        assert json.loads(shown["request_body"]["text"]) == DATA
        assert shown["response_body"]["text"] == kept
        last = shown["attempts"][-1]
        assert last["response_headers"]["X-Refused"] == f"Quillfeather {BORN}"
        path = f"/v1/records/{record_id}/attempts/{last['id']}/reveal"
        revealed[last["id"]] = await scene.get(path, "POST")
        attempt = json.loads(revealed[last["id"]])
        assert (attempt["status"], attempt["response_body"]["text"]) == (status, kept)
        if form == "text":
            assert attempt["url"].endswith(f"?subscription={MASK}")
            assert "?subscription='\"${SUBSCRIPTION:?" in attempt["curl"]
        assert attempt["response_headers"].get("X-Seen", "") == kept_of(form)
        assert attempt["response_headers"][f"X-{MEMBER_NO}"] == "no such member"
    return revealed
