"""Asks a token endpoint once: what it gave, or why it gave nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from healthdesk.clock import Clock
from healthdesk.connectors.app import App
from healthdesk.connectors.auth.failures import is_known, token_refused, unexpected
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.client_certificates import ClientCertificate
from healthdesk.connectors.documents import Document
from healthdesk.connectors.echoes import Secrets
from healthdesk.connectors.judging import Judge
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.wire import leaving, turn
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.masking import MASK, mask_text

FORM = "application/x-www-form-urlencoded"
MOST_BYTES = 65_536
TIMEOUT_S = 20.0
_LONGEST_S = 10 * 365 * 86_400
_HARMLESS = frozenset({"grant_type", "scope", "audience", "resource", "client_id", "redirect_uri"})
"""Parameters of requests for tokens that are no secrets (RFC 6749, RFC 8707)."""
_SECRET_MEMBERS = frozenset({"access_token", "refresh_token", "id_token", "device_code", "client_secret"})


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a token endpoint said when it refused nothing: the members, tokens among them, and the exchange to keep."""

    members: Mapping[str, Any]
    exchange: Exchange

    def __repr__(self) -> str:
        """Show no token."""
        return f"TokenAnswer({', '.join(self.members)})"


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends the requests for tokens of one app."""

    app: App
    session: GuardedSession
    clock: Clock
    certificate: ClientCertificate | None = None
    """Shown to token endpoints too (RFC 8705)."""

    async def form(
        self, url: str, body: str, *, headers: Mapping[str, str], secrets: Iterable[str]
    ) -> TokenAnswer:
        """Post a form and return the answer, which is JSON or a form; raises NotAuthorized."""
        exchange = await self.post(url, body.encode(), headers=headers)
        hidden = Secrets(secrets)
        members = _members(exchange)
        error = _text(members.get("error")) if members else ""
        if error or exchange.status != 200 or exchange.body_error is not None:
            raise self.refused(exchange, hidden, members, error, _description(members))
        kept = _kept(exchange, hidden)
        if members is None:
            raise NotAuthorized(unexpected(self.app.name, kept, "something that is no token"), kept)
        return TokenAnswer(members, kept)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Exchange:
        """Post a form and return what came, tokens and all: not to be kept, but for the request body in it."""
        request = Request(
            method="POST",
            url=url,
            headers={"Content-Type": FORM, "Accept": "application/json", **headers},
            body=body,
            timeout_s=TIMEOUT_S,
            stored_body_bytes=MOST_BYTES,
            secret_headers=frozenset({"authorization"}),
            certificate=self.certificate,
        )
        # the rate of an environment is that of its endpoint, not of who gives tokens for it, and no token is a record
        taken, unchecked = turn.set(None), leaving.set(None)
        try:
            exchange = await self.session.send(request)
        finally:
            leaving.reset(unchecked)
            turn.reset(taken)
        exchange.request_body = _form_kept(body)
        return exchange

    def refused(
        self, exchange: Exchange, hidden: Secrets, document: object, code: str = "", description: str = ""
    ) -> NotAuthorized:
        """Return what to raise for a refusal. `document` is its body as parsed, `code` and `description` what it says.

        The manifest's rules for token answers come first, then the codes of OAuth, then the rules for every answer.
        """
        kept = _kept(exchange, hidden)
        by_code = token_refused(
            self.app.name, kept, hidden.out_of_text(code), hidden.out_of_text(description)
        )
        failure = (
            self._by_rules(exchange, hidden, document, named=True)
            or (by_code if is_known(code, description) else None)
            or self._by_rules(exchange, hidden, document, named=False)
            or by_code
        )
        return NotAuthorized(failure, kept, code=code)

    def _by_rules(
        self, exchange: Exchange, hidden: Secrets, document: object, *, named: bool
    ) -> Failure | None:
        """Return what the first rule that fits says: of those that name token answers, or of those for all."""
        manifest = self.app.manifest
        rules = [rule for rule in manifest.errors if (("token" in rule.on) if named else not rule.on)]
        if exchange.status is None or not rules:
            return None
        failure = Judge(manifest.model_copy(update={"errors": rules})).judge(
            replace(exchange, response_body=hidden.out_of(exchange.response_body)),
            {name.lower(): value for name, value in exchange.response_headers.items()},
            Document(document),
            on="token",
            expect=[exchange.status],
            success=None,
            values={},
        )
        if failure is None:
            return None
        return replace(
            failure,
            sentence=hidden.out_of_text(failure.sentence),
            message=hidden.out_of_text(failure.message),
            next_action=hidden.out_of_text(failure.next_action),
        )

    def tokens(self, answer: TokenAnswer, before: Tokens | None, lifetime_s: float | None) -> Tokens:
        """Return the tokens of an answer; raises NotAuthorized when there is none in it.

        Without a new refresh token the one `before` stays (RFC 6749, section 6), and so does what else was said.
        """
        members = answer.members
        access_token = members.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            what = "an answer that holds no access_token"
            raise NotAuthorized(unexpected(self.app.name, answer.exchange, what), answer.exchange)
        now = self.clock.now()
        lives_s = seconds_of(members.get("expires_in")) or lifetime_s
        refresh_token = members.get("refresh_token")
        values = {
            name: str(value)
            for name, value in members.items()
            if name not in _SECRET_MEMBERS
            and isinstance(value, str | int | float)
            and not isinstance(value, bool)
        }
        kept = before.values if before is not None else {}
        return Tokens(
            access_token=access_token,
            obtained_at=now,
            refresh_token=refresh_token
            if isinstance(refresh_token, str) and refresh_token
            else (before.refresh_token if before is not None else ""),
            expires_at=None if lives_s is None else now + timedelta(seconds=lives_s),
            values={**kept, **values},
        )


def _members(exchange: Exchange) -> dict[str, Any] | None:
    """Return the members of an answer in JSON, or in a form as OAuth's drafts had it; None when it is neither."""
    try:
        text = exchange.response_body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        content_type = next(
            (value for name, value in exchange.response_headers.items() if name.lower() == "content-type"), ""
        )
        found = dict(parse_qsl(text)) if content_type.startswith((FORM, "text/plain")) else None
    return found if isinstance(found, dict) else None


def _description(members: Mapping[str, Any] | None) -> str:
    return _text((members or {}).get("error_description"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def seconds_of(value: object) -> float | None:
    """Return a lifetime, or None where it is none."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds < _LONGEST_S else None


def _form_kept(body: bytes) -> bytes:
    """Return the form of a request as it may be kept: with the values of what is harmless."""
    pairs = [each.partition("=") for each in body.decode("utf-8", "replace").split("&") if each]
    return "&".join(
        f"{name}{mark}{value if name in _HARMLESS else MASK if value else ''}" for name, mark, value in pairs
    ).encode()


def _kept(exchange: Exchange, hidden: Secrets) -> Exchange:
    """Return the exchange as it may be kept: a token may be in any answer, so values of JSON are masked."""
    body = hidden.out_of(exchange.response_body, cut=exchange.response_cut)
    if exchange.status is not None and exchange.status < 400:
        body = mask_text(body, "application/json").encode() if body.lstrip()[:1] in (b"{", b"[") else body
    headers = hidden.out_of_headers(dict(exchange.response_headers))
    return replace(exchange, response_body=body, response_headers=headers)
