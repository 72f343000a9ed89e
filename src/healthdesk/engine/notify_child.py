"""The process that sends: `python -I -m healthdesk.engine.notify_child`. The only importer of Apprise.

It reads JSON lines on standard input and answers each with one line on the standard output it was started
with. It sends one message at a time, gets its secrets through the pipe only, and ends when the pipe does, even
in the middle of a plugin that hangs.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import os
import queue
import resource
import sys
import threading
from ipaddress import ip_network
from typing import Any, TextIO

import apprise

from healthdesk.connectors.policy import AddressPolicy
from healthdesk.domain.states import ErrorKind
from healthdesk.engine.channel_url import mask, schema_of
from healthdesk.engine.notify_guard import Guard
from healthdesk.engine.notify_verdict import LOG_MAX, judge, scrub, secrets_of
from healthdesk.engine.notify_witness import Witness

MEMORY_MAX = 1 << 30

Message = dict[str, Any]


def lone_output() -> TextIO:
    """Keep the real standard output for answers; whatever a plugin prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def silence_errors() -> None:
    """Nothing that a plugin writes to standard error can be trusted to hold no secret."""
    os.dup2(1, 2)


def read_requests() -> queue.Queue[Message]:
    """Read requests in a thread of their own, so that the end of the pipe is seen while a plugin hangs."""
    requests: queue.Queue[Message] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, name="requests", daemon=True).start()
    return requests


class Sender:
    """Answers requests with Apprise."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._asset = apprise.AppriseAsset(
            app_id="healthdesk",
            app_desc="healthdesk",
            app_url="",
            storage_mode="memory",
            service_timeout=0,
            allow_templates=False,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            language="en",
        )

    def answer(self, request: Message) -> Message:
        """Answer one request."""
        self._witness.reset()
        if request["op"] == "check":
            return self._check(str(request["url"]))
        return self._send(request)

    def _check(self, url: str) -> Message:
        schema = schema_of(url)
        service = service_of(url)
        if service is None:
            return {
                "ok": False,
                "sentence": f"{schema}:// is no service that Apprise knows",
                "fix": near(schema),
            }
        plugin, reason = self._plugin(url, service)
        if plugin is None:
            return {"ok": False, "sentence": reason, "fix": forms(service, schema)}
        masked = mask(str(plugin.url(privacy=True)), host_is_public=has_host(service))
        return {
            "ok": True,
            "masked_url": scrub(masked, secrets_in(url, service)),
            "kind": str(service.service_name),
        }

    def _send(self, request: Message) -> Message:
        url = str(request["url"])
        service = service_of(url)
        secrets = secrets_in(url, service)
        plugin, reason = self._plugin(url, service)
        if plugin is None:
            return failed(ErrorKind.CONFIGURATION, reason, retryable=False)
        result = apprise.Apprise(plugin, asset=self._asset).notify(
            body=str(request["body"]),
            title=str(request["title"]),
            notify_type=str(request["type"]),
            body_format="text",
            log_level=logging.INFO,
        )
        lines = [scrub(entry.message, secrets) for one in result.results for entry in one.logs()]
        log = "\n".join(lines)[-LOG_MAX:]
        if result.status == apprise.AppriseResultStatus.SUCCESS:
            return {"ok": True, "kind": None, "sentence": "delivered", "retryable": False, "log": log}
        verdict = judge(self._witness.evidence, lines)
        answer = failed(verdict.kind, scrub(verdict.sentence, secrets), retryable=verdict.retryable)
        return answer | {"log": log, "retry_after_s": verdict.retry_after_s}

    def _plugin(self, url: str, service: Any) -> tuple[Any, str]:
        """Return the plugin for a URL, or None and which part is wrong."""
        try:
            plugins: Any = apprise.plugins
            parts = plugins.url_to_dict(url, secure_logging=True)
            if parts is None:
                return None, "the URL does not have the parts this service needs"
            parts |= {"retry": 0, "optional": False}
            parts.setdefault("overflow", "split")
            plugin = apprise.Apprise.instantiate(parts, asset=self._asset, suppress_exceptions=False)
        except Exception as error:  # noqa: BLE001 - plugins raise what they like; it is told, without secrets
            words = str(error) or f"the service refused the URL ({type(error).__name__})"
            return None, scrub(words, secrets_in(url, service))
        return plugin, "" if plugin is not None else "this service is not available in this installation"


def service_of(url: str) -> Any:
    """Return the plugin class for a URL's schema, or None when Apprise knows none."""
    schema = schema_of(url)
    services: Any = apprise.plugins.N_MGR
    return services[schema] if schema in services else None  # noqa: SIM401 - its manager has no get()


def secrets_in(url: str, service: Any) -> tuple[str, ...]:
    """Return the parts of `url` that no answer may hold."""
    return secrets_of(url, host_is_public=service is not None and has_host(service))


def has_host(service: Any) -> bool:
    """Tell whether the first part of this service's URL is a host rather than a token."""
    return any("{host}" in template for template in service.templates)


def forms(service: Any, schema: str) -> str:
    """Return how a URL of this service is written: its shortest and its fullest form."""
    shown = sorted(service.templates, key=len)
    ends = dict.fromkeys((shown[0], shown[-1])) if shown else {"{schema}://…": None}
    return "write it as " + " or ".join(template.replace("{schema}", schema) for template in ends)


def near(schema: str) -> str:
    """Return the advice for an unknown schema."""
    services: Any = apprise.plugins.N_MGR
    close = difflib.get_close_matches(schema, services.schemas(), n=1)
    return f"did you mean {close[0]}://?" if close else "see the list of services in Apprise's documentation"


def failed(kind: ErrorKind, sentence: str, *, retryable: bool) -> Message:
    """Return the answer of a send that failed."""
    return {"ok": False, "kind": kind.value, "sentence": sentence, "retryable": retryable, "log": ""}


def limit_resources() -> None:
    """No core dump may hold a secret, and no answer may eat the host's memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # a lower limit of the host's own stays
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


def quiet_logs() -> None:
    """Hold Apprise at INFO: its DEBUG prints tokens whole."""
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def main() -> None:
    """Answer requests until the pipe ends."""
    answers = lone_output()
    limit_resources()
    quiet_logs()
    requests = read_requests()
    settings = requests.get()
    witness = Witness()
    sender = Sender(witness)
    witness.install()
    policy = AddressPolicy(ip_network(text) for text in settings["allow"])
    Guard(policy, witness.blocked, settings["protected"]).install()
    silence_errors()
    tell(answers, {"ready": True})
    while True:
        request = requests.get()
        try:
            reply = sender.answer(request)
        except Exception as error:  # noqa: BLE001 - whatever a plugin does, the parent gets an answer
            words = f"the service's plugin failed: {type(error).__name__}"
            reply = failed(ErrorKind.INTERNAL, words, retryable=True)
        tell(answers, reply)


def tell(answers: TextIO, message: Message) -> None:
    """Write one answer."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
