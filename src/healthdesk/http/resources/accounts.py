"""Routes of Connected accounts: their rows, and the connection window."""

from __future__ import annotations

from healthdesk.api.accounts import AccountRow, AccountView
from healthdesk.http.route import Call, Route
from healthdesk.operations import account_window, accounts


async def _list(call: Call) -> list[AccountRow]:
    return await accounts.list_all(call.desk)


async def _show(call: Call) -> AccountView:
    return await account_window.show(call.desk, call.path["id"])


ROUTES = (
    Route(
        "GET",
        "/v1/accounts",
        "accounts.list",
        "Apps and accounts with their health, and the delivery integrations beside them, worst first.",
        _list,
        list[AccountRow],
    ),
    Route(
        "GET",
        "/v1/accounts/{id}",
        "accounts.show",
        "The connection window of the account that a connection belongs to.",
        _show,
        AccountView,
    ),
)
