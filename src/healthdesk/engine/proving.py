"""What proves to an endpoint who sends to it, beside headers that are always the same: certificates, tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.build import method_of
from healthdesk.connectors.authorized import send_authorized
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.client_certificates import ClientCertificate, certificate_of
from healthdesk.connectors.outgoing import Authorizer, Outgoing
from healthdesk.connectors.session import Request
from healthdesk.domain.delivery import method_from
from healthdesk.domain.exchange import Exchange
from healthdesk.engine.app_delivery import AppWay, app_way
from healthdesk.engine.apps import ConnectionFacts
from healthdesk.engine.checker import HTTP_ENDPOINT
from healthdesk.engine.context import Context
from healthdesk.store.rows import TargetRow


@dataclass(frozen=True, slots=True)
class Proof:
    """A client certificate, and what puts a token or a key into each request; None of both where headers are enough.

    An authorizer shows the certificate by itself.
    """

    certificate: ClientCertificate | None = None
    authorizer: Authorizer | None = None
    app: AppWay | None = None
    """Of an environment that delivers by an operation of an app of the connectors."""


NO_PROOF = Proof()


def proof_of(ctx: Context, row: TargetRow, credentials: StoredCredentials) -> Proof:
    """Return what proves who sends to an environment's connection; raises ConnectorError and VaultError."""
    if row.app not in ctx.apps:
        return NO_PROOF
    app = ctx.apps.get(row.app)
    method = method_of(app, credentials.auth)
    certificate = certificate_of(method, credentials.values)
    if row.app == HTTP_ENDPOINT and method.type in ("none", "static") and not method.query:
        return NO_PROOF if certificate is None else Proof(certificate)
    facts = ConnectionFacts(row.connection_id, row.connection_name, row.settings, row.settings_version)
    authorizer = ctx.authorizers.get(ctx, facts, app, credentials)
    if row.app == HTTP_ENDPOINT:
        return Proof(certificate, authorizer)
    client = AppClient(
        app,
        session=ctx.session,
        authorizer=authorizer,
        auth_id=credentials.auth,
        base_url=row.base_url,
        settings=row.settings,
        clock=ctx.clock,
    )
    return Proof(certificate, authorizer, app_way(app, client, method_from(row.delivery)))


async def send_proven(ctx: Context, proof: Proof, request: Request) -> Exchange:
    """Send a request with what proves who sends; once more, with another token, where it was refused for its token alone.

    A 401 says that nothing was taken, and the refusal of a token that could be renewed says nothing of the record: it is
    no attempt of its own. Raises NotAuthorized where no token could be got.
    """
    authorizer = proof.authorizer
    if authorizer is None:
        return await ctx.session.send(replace(request, certificate=proof.certificate))
    plain = Outgoing(request.method, request.url, request.headers, request.body)
    sent = await authorizer.authorize(plain)
    exchange = await _once(ctx, sent, request)
    if exchange.status == 401 and await authorizer.refused(sent):
        exchange = await _once(ctx, await authorizer.authorize(plain), request)
    return exchange


async def _once(ctx: Context, outgoing: Outgoing, request: Request) -> Exchange:
    return await send_authorized(
        ctx.session, outgoing, timeout_s=request.timeout_s, stored_body_bytes=request.stored_body_bytes
    )
