"""What the vendors' own codes mean: refusals as they document them, judged by the manifests' rules.

Sources: developer.pagerduty.com/docs/errors, developer.okta.com/docs/reference/error-codes, api.slack.com/methods,
learn.microsoft.com/entra/identity-platform/reference-error-codes and graph/errors, developers.google.com/admin-sdk
(limits, delegation), developer.salesforce.com (errorresponses, remoteaccess_oauth_flow_errors),
docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from healthdesk.connectors.documents import Document
from healthdesk.connectors.judging import judge_of
from healthdesk.connectors.registry import Registry
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing.clock import START

REGISTRY = Registry.builtin()
K, B = ErrorKind, Blame


def _pagerduty(message: str, code: int, *errors: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "errors": list(errors)}}


def _okta(code: str, summary: str, *causes: str) -> dict[str, Any]:
    return {
        "errorCode": code,
        "errorSummary": summary,
        "errorCauses": [{"errorSummary": each} for each in causes],
    }


def _google(status: int, message: str, reason: str = "", detail: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message}
    if reason:
        error["errors"] = [{"domain": "global", "reason": reason, "message": message}]
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return {"error": error}


def _aws(code: str, message: str = "") -> dict[str, Any]:
    return {
        "ErrorResponse": {"Error": {"Type": "Sender", "Code": code, "Message": message}, "RequestId": "r"}
    }


def _oauth(error: str, description: str = "") -> dict[str, Any]:
    return {"error": error, "error_description": description}


def _graph(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


CASES = [
    # A key of the account has no user, so it is not told at /users/me.
    ("pagerduty", "heartbeat", 400, _pagerduty("Invalid Input Provided", 2001, "no user"), K.CONFIGURATION, B.CONFIGURATION, "no user"),
    ("pagerduty", "heartbeat", 401, _pagerduty("Authentication failed", 2006), K.AUTHENTICATION, B.CREDENTIAL, "Authentication failed"),
    ("pagerduty", "tasks", 402, _pagerduty("Your account is expired and cannot use the API.", 2012), K.PERMISSION, B.PERMISSION, "expired"),
    ("pagerduty", "tasks", 403, _pagerduty("Access Denied", 2010), K.PERMISSION, B.PERMISSION, "Access Denied"),
    ("pagerduty", "tasks", 400, _pagerduty("Requester User Not Found", 1008), K.CONFIGURATION, B.CONFIGURATION, "From e-mail"),
    ("pagerduty", "tasks", 400, _pagerduty("Invalid Input Provided", 2001, "Title cannot be empty."), K.MISSING_FIELD, B.CONFIGURATION, "Title"),
    ("pagerduty", "tasks", 400, _pagerduty("Invalid Input Provided", 2001, "Incident Already Resolved"), K.REFUSED, B.CONFIGURATION, "Already Resolved"),
    ("pagerduty", "tasks", 404, _pagerduty("Not Found", 2100), K.NOT_FOUND, B.CONFIGURATION, "Not Found"),
    ("pagerduty", "datasets", 429, _pagerduty("Rate Limit Exceeded", 2020), K.RATE_LIMITED, B.THEM, "slow down"),
    ("pagerduty", "token", 401, _oauth("invalid_client", "wrong secret"), K.AUTHENTICATION, B.CREDENTIAL, "client ID or secret"),
    ("pagerduty", "token", 400, _oauth("invalid_scope", "unknown"), K.PERMISSION, B.PERMISSION, "subdomain"),
    ("okta", "heartbeat", 401, _okta("E0000011", "Invalid token provided"), K.AUTHENTICATION, B.CREDENTIAL, "does not know the token"),
    ("okta", "heartbeat", 401, _okta("E0000015", "no"), K.AUTHENTICATION, B.CREDENTIAL, "refused"),
    ("okta", "datasets", 403, _okta("E0000006", "You do not have permission"), K.PERMISSION, B.PERMISSION, "may not"),
    ("okta", "datasets", 404, _okta("E0000007", "Not found: Resource not found: 00g (UserGroup)"), K.NOT_FOUND, B.CONFIGURATION, "no such thing"),
    ("okta", "heartbeat", 404, "<html>", K.CONFIGURATION, B.CONFIGURATION, "no Okta organisation"),
    ("okta", "heartbeat", 429, _okta("E0000047", "API call exceeded rate limit"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("okta", "datasets", 400, _okta("E0000001", "Api validation failed: limit", "must be 1 to 200"), K.REFUSED, B.CONFIGURATION, "must be 1 to 200"),
    ("okta", "token", 401, _oauth("invalid_client", "The client_assertion signature is invalid."), K.AUTHENTICATION, B.CREDENTIAL, "signature"),
    ("okta", "token", 400, _oauth("invalid_scope", "One or more scopes are not granted."), K.PERMISSION, B.PERMISSION, "scope"),
    ("okta", "token", 400, _oauth("invalid_dpop_proof", "The DPoP proof JWT header is missing."), K.CONFIGURATION, B.CONFIGURATION, "DPoP"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "invalid_auth"}, K.AUTHENTICATION, B.CREDENTIAL, "invalid_auth"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "token_expired"}, K.AUTHENTICATION, B.CREDENTIAL, "expired"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "token_revoked"}, K.AUTHENTICATION, B.CREDENTIAL, "revoked"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "account_inactive"}, K.AUTHENTICATION, B.CREDENTIAL, "deactivated"),
    ("slack", "tasks", 200, {"ok": False, "error": "missing_scope", "needed": "chat:write"}, K.PERMISSION, B.PERMISSION, "chat:write"),
    ("slack", "tasks", 200, {"ok": False, "error": "not_in_channel"}, K.PERMISSION, B.PERMISSION, "not a member"),
    ("slack", "tasks", 200, {"ok": False, "error": "channel_not_found"}, K.NOT_FOUND, B.CONFIGURATION, "channel"),
    ("slack", "tasks", 200, {"ok": False, "error": "message_not_found"}, K.NOT_FOUND, B.CONFIGURATION, "any more"),
    ("slack", "tasks", 200, {"ok": False, "error": "is_archived"}, K.REFUSED, B.CONFIGURATION, "archived"),
    ("slack", "tasks", 200, {"ok": False, "error": "msg_too_long"}, K.TOO_LARGE, B.CONFIGURATION, "longer"),
    ("slack", "datasets", 429, {"ok": False, "error": "ratelimited"}, K.RATE_LIMITED, B.THEM, "slow down"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "fatal_error"}, K.SERVER_ERROR, B.THEM, "fatal_error"),
    ("slack", "heartbeat", 200, {"ok": False, "error": "a_code_of_tomorrow"}, K.REFUSED, B.CONFIGURATION, "a_code_of_tomorrow"),
    ("slack", "token", 200, {"ok": False, "error": "invalid_refresh_token"}, K.AUTHENTICATION, B.CREDENTIAL, "invalid_refresh_token"),
    ("slack", "token", 200, {"ok": False, "error": "bad_client_secret"}, K.AUTHENTICATION, B.CREDENTIAL, "bad_client_secret"),
    ("aws", "heartbeat", 403, _aws("InvalidClientTokenId", "The security token is invalid."), K.AUTHENTICATION, B.CREDENTIAL, "does not know"),
    ("aws", "heartbeat", 403, _aws("SignatureDoesNotMatch", "The request signature we calculated does not match"), K.AUTHENTICATION, B.CREDENTIAL, "secret access key"),
    ("aws", "heartbeat", 403, _aws("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier"), K.CONFIGURATION, B.US, "clock"),
    ("aws", "heartbeat", 403, _aws("SignatureDoesNotMatch", "Credential should be scoped to a valid region"), K.CONFIGURATION, B.CONFIGURATION, "region"),
    ("aws", "heartbeat", 403, _aws("ExpiredToken", "The security token included in the request is expired"), K.AUTHENTICATION, B.CREDENTIAL, "expired"),
    ("aws", "heartbeat", 403, _aws("AccessDenied", "explicit deny"), K.PERMISSION, B.PERMISSION, "explicit deny"),
    ("aws", "token", 403, _aws("AccessDenied", "not authorized to perform: sts:AssumeRole"), K.PERMISSION, B.PERMISSION, "assume the role"),
    ("aws", "token", 400, _aws("ValidationError", "RoleArn is not valid"), K.CONFIGURATION, B.CONFIGURATION, "RoleArn"),
    ("aws", "heartbeat", 403, _aws("RegionDisabledException", "STS is not activated"), K.CONFIGURATION, B.CONFIGURATION, "not activated"),
    ("aws", "heartbeat", 400, _aws("Throttling", "Rate exceeded"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("aws", "heartbeat", 503, _aws("ServiceUnavailable", "try later"), K.SERVER_ERROR, B.THEM, "try later"),
    ("aws", "heartbeat", 400, _aws("SomethingNew", "what"), K.REFUSED, B.CONFIGURATION, "what"),
    ("google-workspace", "heartbeat", 401, _google(401, "Invalid Credentials", "authError"), K.AUTHENTICATION, B.CREDENTIAL, "Invalid Credentials"),
    ("google-workspace", "heartbeat", 403, _google(403, "Not Authorized to access this resource/api", "forbidden"), K.PERMISSION, B.PERMISSION, "administrator"),
    ("google-workspace", "heartbeat", 403, _google(403, "Request had insufficient authentication scopes.", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), K.PERMISSION, B.PERMISSION, "scope"),
    ("google-workspace", "heartbeat", 403, _google(403, "Admin SDK API has not been used in project 1", "accessNotConfigured"), K.CONFIGURATION, B.CONFIGURATION, "switched off"),
    ("google-workspace", "heartbeat", 403, _google(403, "disabled", detail="SERVICE_DISABLED"), K.CONFIGURATION, B.CONFIGURATION, "switched off"),
    ("google-workspace", "datasets", 403, _google(403, "Quota exceeded", "quotaExceeded"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("google-workspace", "datasets", 403, _google(403, "User rate limit", "userRateLimitExceeded"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("google-workspace", "datasets", 429, _google(429, "Too many"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("google-workspace", "datasets", 404, _google(404, "Resource Not Found: groupKey", "notFound"), K.NOT_FOUND, B.CONFIGURATION, "groupKey"),
    ("google-workspace", "token", 401, _oauth("unauthorized_client", "Client is unauthorized to retrieve access tokens"), K.PERMISSION, B.PERMISSION, "delegated"),
    ("google-workspace", "token", 400, _oauth("invalid_grant", "Invalid email or User ID"), K.CONFIGURATION, B.CONFIGURATION, "administrator"),
    ("google-workspace", "token", 400, _oauth("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."), K.CONFIGURATION, B.US, "clock"),
    ("google-workspace", "token", 400, _oauth("invalid_grant", "Invalid JWT Signature."), K.AUTHENTICATION, B.CREDENTIAL, "Invalid JWT Signature"),
    ("microsoft-graph", "token", 401, _oauth("invalid_client", "AADSTS7000222: The provided client secret keys are expired."), K.AUTHENTICATION, B.CREDENTIAL, "expired"),
    ("microsoft-graph", "token", 401, _oauth("invalid_client", "AADSTS7000215: Invalid client secret provided."), K.AUTHENTICATION, B.CREDENTIAL, "wrong"),
    ("microsoft-graph", "token", 400, _oauth("unauthorized_client", "AADSTS700016: Application was not found"), K.CONFIGURATION, B.CONFIGURATION, "no such app"),
    ("microsoft-graph", "token", 400, _oauth("invalid_request", "AADSTS90002: Tenant 'x' not found."), K.CONFIGURATION, B.CONFIGURATION, "tenant"),
    ("microsoft-graph", "token", 401, _oauth("unauthorized_client", "AADSTS7000112: Application is disabled."), K.PERMISSION, B.PERMISSION, "admit"),
    ("microsoft-graph", "token", 400, _oauth("invalid_grant", "AADSTS65001: The user has not consented"), K.PERMISSION, B.PERMISSION, "consented"),
    ("microsoft-graph", "token", 400, _oauth("invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity."), K.AUTHENTICATION, B.CREDENTIAL, "log in"),
    ("microsoft-graph", "heartbeat", 401, _graph("InvalidAuthenticationToken", "Access token has expired."), K.AUTHENTICATION, B.CREDENTIAL, "expired"),
    ("microsoft-graph", "heartbeat", 403, _graph("Authorization_RequestDenied", "Insufficient privileges"), K.PERMISSION, B.PERMISSION, "Insufficient privileges"),
    ("microsoft-graph", "tasks", 403, _graph("", "MaximumTasksInProject reached"), K.REFUSED, B.CONFIGURATION, "no room"),
    ("microsoft-graph", "tasks", 404, _graph("", "The requested item is not found."), K.NOT_FOUND, B.CONFIGURATION, "not found"),
    ("microsoft-graph", "tasks", 412, _graph("", "The etag does not match."), K.REFUSED, B.CONFIGURATION, "same moment"),
    ("microsoft-graph", "datasets", 429, _graph("TooManyRequests", "slow"), K.RATE_LIMITED, B.THEM, "slow down"),
    ("salesforce", "tasks", 401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], K.AUTHENTICATION, B.CREDENTIAL, "session"),
    ("salesforce", "heartbeat", 403, "Bad_OAuth_Token", K.AUTHENTICATION, B.CREDENTIAL, "session"),
    ("salesforce", "heartbeat", 403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "not enabled"}], K.PERMISSION, B.PERMISSION, "API is not enabled"),
    ("salesforce", "tasks", 403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], K.RATE_LIMITED, B.THEM, "Limit exceeded"),
    ("salesforce", "tasks", 400, [{"errorCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Reason]", "fields": ["Reason"]}], K.MISSING_FIELD, B.CONFIGURATION, "Reason"),
    ("salesforce", "tasks", 400, [{"errorCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "message": "bad value"}], K.FORMAT, B.CONFIGURATION, "bad value"),
    ("salesforce", "tasks", 403, [{"errorCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "insufficient access rights"}], K.PERMISSION, B.PERMISSION, "may not"),
    ("salesforce", "tasks", 404, [{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}], K.NOT_FOUND, B.CONFIGURATION, "deleted"),
    ("salesforce", "tasks", 400, [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}], K.SERVER_ERROR, B.THEM, "exclusive"),
    ("salesforce", "tasks", 400, [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Say why"}], K.REFUSED, B.CONFIGURATION, "Say why"),
    ("salesforce", "token", 400, _oauth("invalid_client_id", "client identifier invalid"), K.AUTHENTICATION, B.CREDENTIAL, "consumer key"),
    ("salesforce", "token", 400, _oauth("invalid_grant", "user hasn't approved this consumer"), K.PERMISSION, B.PERMISSION, "admit"),
    ("salesforce", "token", 400, _oauth("invalid_grant", "no client credentials user enabled"), K.CONFIGURATION, B.CONFIGURATION, "client credentials"),
    ("salesforce", "token", 400, _oauth("invalid_grant", "request not supported on this domain"), K.CONFIGURATION, B.CONFIGURATION, "client credentials"),
    ("salesforce", "token", 400, _oauth("inactive_user", "user is inactive"), K.AUTHENTICATION, B.CREDENTIAL, "inactive"),
    ("salesforce", "token", 400, _oauth("invalid_grant", "expired access/refresh token"), K.AUTHENTICATION, B.CREDENTIAL, "grant"),
]  # fmt: skip


@pytest.mark.parametrize(("app", "on", "status", "body", "kind", "blame", "says"), CASES)
def test_a_refusal_is_told_as_what_it_is(app, on, status, body, kind, blame, says) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    exchange = Exchange(
        method="GET",
        url="https://api.example.com/",
        request_headers={},
        started_at=START,
        duration_ms=12.0,
        status=status,
        response_body=text.encode(),
    )
    manifest = REGISTRY.get(app).manifest

    failure = judge_of(manifest).judge(
        exchange,
        {"content-type": "application/json"},
        Document(None if isinstance(body, str) else body),
        on=on,
        expect=[],
        success="ok" if app == "slack" else None,
        values={},
    )

    assert failure is not None
    assert (failure.kind, failure.blame) == (kind, blame), failure.sentence
    assert says in failure.sentence
    assert manifest.name in failure.sentence
    assert failure.next_action
    assert "{" not in failure.sentence + failure.next_action
