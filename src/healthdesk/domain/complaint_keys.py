"""The keys and words by which the errors in an answer are known, in lower case."""

from __future__ import annotations

import re

_TEXTS = """
    message msg error_description errormessage error_message errormsg error_msg errmsg errordescription errortext statusmessage
    status_message usermessage defaultmessage detail description reason faultstring error title text issue code type
"""
TEXT_KEYS = tuple(_TEXTS.split())
SECOND_KEYS = ("detail", "error_description", "description")
CODE_KEYS = ("code", "type", "errorcode", "statuscode", "faultcode", "error", "__type", "issue", "keyword")
_MAPPED = """
    errors fields violations issues invalid-params invalidparams invalid_params fielderrors field_errors fieldviolations
    validationerrors validation_errors modelstate
"""
MAPPED_KEYS = tuple(_MAPPED.split())
"""Below these, the keys of an object are fields."""
LOOSE_KEYS = ("error", "detail", "details", "message", "messages")
"""Below these they are, where each holds nothing but texts."""
_LISTS = "errormessages errorlist error_list usererrors causes issue fault"
LIST_KEYS = (*MAPPED_KEYS, *LOOSE_KEYS, *_LISTS.split())
_MISSING = """
    missing missingfields missing_fields missingproperties missing_properties missingparameters missing_parameters
    missingrequiredfields missing_required_fields
"""
MISSING_KEYS = tuple(_MISSING.split())
_FIELDS = """
    field fieldname field_name loc pointer path datapath property propertyname propertypath property_path param parameter
    attribute instancepath name key target source
"""
FIELD_KEYS = tuple(_FIELDS.split())
CONTEXT_KEYS = ("propertyname", "properties")
FHIR_KEYS = frozenset({"diagnostics", "details", "expression"})
_NONE = "non_field_errors nonfielderrors __all__ _errors base error errors general message json form"
NO_FIELD = frozenset(_NONE.split())
_AROUND = """
    record document result results response responses data body payload root output return returns value values item items
    list content query querystring params headers cookies request meta metadata info status success envelope fault map
    validation validations warnings failure failures failed problem problems exception string __type type code title links
    extensions context debug trace stack
"""
WRAPPERS = frozenset(_AROUND.split())
"""What wraps errors, or stands beside them, where no key is known to be a field."""
OF_ERRORS = re.compile(
    r"errs?(?![a-z])|error|message|msg|reason|status|fault|exception|detail|(?:request|trace|correlation)[_-]?id|timestamp"
    r"|^resourcetype$",
    re.IGNORECASE,
)
# what can be said of a field only: a sentence without its subject
NO_SUBJECT = re.compile(
    r"(?:(?:is|are|was|were|has|have|must|should|may|can|could|cannot|can['’]t|does|did|needs?|contains?|exceeds?)\b"
    r"|(?:(?:the|this|a)\s+)?(?:field|value)\b|required\W*$|missing(?:\s+data\b|\W*$)|not\s+(?:a\s+valid|null|blank|provided)"
    r"|cannot|invalid\s+value)",
    re.IGNORECASE,
)
