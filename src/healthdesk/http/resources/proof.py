"""Routes of proof syncs: what they collect, and what their runs collected."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from healthdesk.api.common import Input
from healthdesk.api.proof import (
    ChangeConnection,
    Contents,
    Difference,
    InstanceView,
    ProofSync,
    ProofSyncCreate,
    ProofSyncSettings,
)
from healthdesk.http.problem_details import BASE_HEADERS
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import proof, proof_settings, proof_views


class Export(Input):
    """The format of a file."""

    format: Literal["csv", "json"] = "csv"


async def _show(call: Call) -> ProofSync:
    return await proof.show(call.desk, call.path["id"])


async def _add(call: Call) -> ProofSync:
    return await proof.add(call.desk, call.body(ProofSyncCreate))


async def _settings(call: Call) -> ProofSync:
    return await proof_settings.settings(call.desk, call.path["id"], call.body(ProofSyncSettings))


async def _change_connection(call: Call) -> ProofSync:
    return await proof.change_connection(call.desk, call.path["id"], call.body(ChangeConnection))


async def _delete(call: Call) -> None:
    await proof.delete(call.desk, call.path["id"])


async def _view(call: Call) -> InstanceView:
    return await proof_views.view(call.desk, call.path["id"])


async def _contents(call: Call) -> Contents:
    page = call.query(Paging)
    return await proof_views.contents(call.desk, call.path["id"], call.path["run_id"], page.after, page.limit)


async def _difference(call: Call) -> Difference:
    return await proof_views.compare(call.desk, call.path["id"], call.path["run_id"])


async def _export(call: Call) -> web.Response:
    asked = call.query(Export)
    file = await proof_views.export(call.desk, call.path["id"], call.path["run_id"], asked.format)
    headers = {
        **BASE_HEADERS,
        "Content-Type": f"{file.content_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{file.name}"',
    }
    return web.Response(body=file.parts, headers=headers)


_ONE = "/v1/instances/{id}"
_RUN = "/v1/instances/{id}/runs/{run_id}"

ROUTES = (
    Route(
        "POST",
        "/v1/instances",
        "instances.add",
        "Add a proof sync, once the app let its connection read the dataset; it is collected at once.",
        _add,
        ProofSync,
        ProofSyncCreate,
    ),
    Route("GET", "/v1/proof-syncs/{id}", "instances.show", "One proof sync whole.", _show, ProofSync),
    Route(
        "PATCH",
        _ONE,
        "instances.settings",
        "Change a proof sync; what it collects is put to the app first.",
        _settings,
        ProofSync,
        ProofSyncSettings,
    ),
    Route(
        "POST",
        _ONE + "/change-connection",
        "instances.change_connection",
        "Let a proof sync collect with another connection of the same app.",
        _change_connection,
        ProofSync,
        ChangeConnection,
    ),
    Route(
        "DELETE",
        _ONE,
        "instances.delete",
        "Delete a proof sync and everything it collected.",
        _delete,
        status=204,
    ),
    Route(
        "GET",
        _ONE + "/view",
        "instances.view",
        "The proof sync, for members of its label or control; for others all labels and controls.",
        _view,
        InstanceView,
    ),
    Route(
        "GET",
        _RUN + "/contents",
        "instances.view",
        "What a run collected, a page of rows; for members of its label or control.",
        _contents,
        Contents,
        query=Paging,
    ),
    Route(
        "GET",
        _RUN + "/difference",
        "instances.view",
        "What is new, gone and changed since the run before; for members of its label or control.",
        _difference,
        Difference,
    ),
    Route(
        "GET",
        _RUN + "/export",
        "instances.view",
        "What a run collected as a CSV or JSON file; for members of its label or control.",
        _export,
        str,
        query=Export,
        media=("text/csv", "application/json"),
    ),
)
