"""What Salesforce and HubSpot do with records: collections of objects, and contacts in batch; with a state of their own."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import Handler, json
from tests.connectors.apps.fake_hubspot import FakeHubSpot
from tests.connectors.apps.fake_salesforce import FakeSalesforceClient

_DATA = "/services/data/v62.0"
_COLUMNS = {"LastName", "FirstName", "Email", "Participant_ID__c"}


class FakeSalesforceObjects(FakeSalesforceClient):
    """Contacts by an external ID: results in the order sent, 200 also where some failed."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.collections: list[list[dict[str, Any]]] = []
        self.seen: list[web.Request] = []
        self.locked: set[str] = set()
        """External ids whose row is locked once."""

    def routes(self) -> list[tuple[str, str, Handler]]:
        path = _DATA + "/composite/sobjects/Contact/Participant_ID__c"
        return [*super().routes(), ("PATCH", path, self.upsert)]

    async def upsert(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["allOrNone"] is False
        self.collections.append(body["records"])
        self.seen.append(request)
        return json([self._one(dict(record)) for record in body["records"]])

    def _one(self, record: dict[str, Any]) -> dict[str, Any]:
        if record.pop("attributes") != {"type": "Contact"}:
            return _failed("INVALID_TYPE", "attributes do not say Contact")
        if unknown := set(record) - _COLUMNS:
            return _failed("INVALID_FIELD", f"No such column '{min(unknown)}' on sobject of type Contact")
        if not record.get("LastName"):
            return _failed("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
        key = record["Participant_ID__c"]
        if key in self.locked:
            self.locked.discard(key)
            return _failed("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        created = key not in self.contacts
        self.contacts.setdefault(key, {}).update(record)
        return {"id": f"003{len(self.contacts):015}", "success": True, "errors": [], "created": created}


def _failed(code: str, message: str, *fields: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}


class FakeHubSpotContacts(FakeHubSpot):
    """Contacts by their e-mail address: 207 names what failed by its objectWriteTraceId."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict[str, Any]] = {}
        self.batches: list[list[dict[str, Any]]] = []

    def routes(self) -> list[tuple[str, str, Handler]]:
        path = "/crm/v3/objects/contacts/batch/"
        return [
            *super().routes(),
            ("POST", path + "upsert", self.upsert),
            ("POST", path + "create", self.create_contacts),
        ]

    async def create_contacts(self, request: web.Request) -> web.Response:
        inputs = (await request.json())["inputs"]
        self.batches.append(inputs)
        assert all(set(each) == {"properties", "associations", "objectWriteTraceId"} for each in inputs)
        return json(
            {"status": "COMPLETE", "results": [{"id": "1", "properties": each} for each in inputs]}, 201
        )

    async def upsert(self, request: web.Request) -> web.Response:
        inputs = (await request.json())["inputs"]
        self.batches.append(inputs)
        results, errors = [], []
        for each in inputs:
            assert each["idProperty"] == "email"
            if "lastname" not in each["properties"]:
                errors.append(
                    {
                        "status": "error",
                        "category": "VALIDATION_ERROR",
                        "message": f"Property values were not valid for {each['id']}: lastname is missing",
                        "context": {"objectWriteTraceId": [each["objectWriteTraceId"]]},
                    }
                )
                continue
            self.contacts.setdefault(each["id"], {}).update(each["properties"])
            results.append({"id": str(len(self.contacts)), "properties": each["properties"], "new": True})
        answer = {"status": "COMPLETE", "results": results}
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return json(answer, 207 if errors else 200)
