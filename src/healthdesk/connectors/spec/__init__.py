"""The manifest of a connector folder, as typed models: what `manifest.toml` may say."""

from healthdesk.connectors.spec.auth import AuthManifest, AuthType, AwsSettings, JwtSettings, OAuthSettings
from healthdesk.connectors.spec.base import (
    AppId,
    Expression,
    FieldManifest,
    Key,
    Part,
    RequestTemplate,
    Template,
    ValueFrom,
)
from healthdesk.connectors.spec.callbacks import CallbackManifest, EventManifest, Where
from healthdesk.connectors.spec.datasets import ColumnManifest, DatasetManifest
from healthdesk.connectors.spec.delivery import DeliveryOperation
from healthdesk.connectors.spec.errors import ErrorRule, RateLimits
from healthdesk.connectors.spec.heartbeat import (
    AlsoManifest,
    HeartbeatManifest,
    IdentityManifest,
    ProbeManifest,
)
from healthdesk.connectors.spec.manifest import Manifest
from healthdesk.connectors.spec.paging import Paging
from healthdesk.connectors.spec.tasks import (
    AssigneeLookup,
    StatusesManifest,
    TaskLookup,
    TaskOperation,
    TaskResult,
    TasksManifest,
)

__all__ = [
    "AlsoManifest",
    "AppId",
    "AssigneeLookup",
    "AuthManifest",
    "AuthType",
    "AwsSettings",
    "CallbackManifest",
    "ColumnManifest",
    "DatasetManifest",
    "DeliveryOperation",
    "ErrorRule",
    "EventManifest",
    "Expression",
    "FieldManifest",
    "HeartbeatManifest",
    "IdentityManifest",
    "JwtSettings",
    "Key",
    "Manifest",
    "OAuthSettings",
    "Paging",
    "Part",
    "ProbeManifest",
    "RateLimits",
    "RequestTemplate",
    "StatusesManifest",
    "TaskLookup",
    "TaskOperation",
    "TaskResult",
    "TasksManifest",
    "Template",
    "ValueFrom",
    "Where",
]
