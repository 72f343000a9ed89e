"""A manifest that says everything a manifest can say, for tests that break it."""

FULL = '''\
id = "full"
name = "Full"
summary = "Says everything."
kinds = ["tasks", "proof"]
docs = "https://full.example/docs"
base_url = "https://{site}.full.example/api"
headers = { X-Version = "3" }
message = "error.message"

[[fields]]
key = "site"
label = "Site"
example = "acme"
pattern = "[a-z]+"

[[auth]]
id = "token"
name = "Token"
where = "https://{site}.full.example/settings"
headers = { Authorization = "Bearer {token}" }

[[auth.fields]]
key = "token"
label = "Token"
secret = true

[[auth]]
id = "app"
name = "App"
type = "oauth2_client_credentials"
headers = { Authorization = "Bearer {access_token}" }
fields = [
    { key = "client_id", label = "Client id" },
    { key = "client_secret", label = "Client secret", secret = true },
]

[auth.oauth]
token_url = "https://{site}.full.example/token"
scopes = ["read"]

[[auth]]
id = "service"
name = "Service account"
type = "jwt_grant"
headers = { Authorization = "Bearer {access_token}" }
fields = [{ key = "key_file", label = "Key file", secret = true, multiline = true }]
jwt = { token_url = "{token_uri}", key = "key_file", claims = { iss = "{client_email}" } }

[[heartbeat]]
request.path = "/me"
success = "active == `true`"
identity.account_id = "id"
identity.account = "name"
identity.scopes = { header = "X-Scopes" }

[[heartbeat.also]]
request = { path = "/token", query = { all = "1" } }
auth = ["token"]
expires = { path = "expires_at", format = "iso" }

[[errors]]
status = [401]
kind = "authentication"
sentence = "{app} refused the token: {message}"
fix = "Make a new token"

[[errors]]
status = ["5xx"]
on = ["heartbeat"]
kind = "server_error"
sentence = "{app} failed"

[rate_limits]
remaining = "X-Left"

[paging]
type = "cursor"
next = "next"
param = "after"

[[probes]]
id = "write"
name = "Write issues"
fields = [{ key = "project", label = "Project" }]
request = { path = "/projects/{project}" }
success = "writable"
missing = "The role Writer"

[[probes]]
id = "read"
name = "Read members"
fields = [{ key = "project", label = "Project" }]
request = { path = "/projects/{project}/members" }

[tasks]
probe = "write"
container = [{ key = "project", label = "Project" }]
result = { id = "id", key = "key", url_template = "https://{site}.full.example/{key}", done = "state == 'done'" }

[tasks.create]
request = { method = "POST", path = "/projects/{project}/issues", json = { title = "{title}", tags = ["{status}"] } }

[tasks.get]
request.path = "/issues/{id}"

[tasks.search]
request = { method = "POST", path = "/graphql", graphql = """
query ($text: String!, $after: String) {
  issues(text: $text, after: $after) { id }
}""", variables = { text = "{text}" } }
items = "data.issues"
paging = { type = "cursor", next = "data.next", param = "after", into = "variables" }

[tasks.statuses]
values = [{ id = "open", name = "Open" }, { id = "done", name = "Done", done = true }]

[tasks.lookup]
key = '(?P<key>[A-Z]+-\\d+)'

[[datasets]]
id = "members"
name = "Members"
title = "Members of {project}"
fields = [{ key = "project", label = "Project" }]
request = { path = "/projects/{project}/members" }
items = "members"
id_column = "login"
probe = "read"
columns = [{ key = "login", label = "Login", path = "login" }]

[callbacks]
scheme = "hmac"
header = "X-Signature"
delivery_id = { header = "X-Id" }
event = { path = "type" }
events = [{ name = "issue", instance = "issue.id" }]
'''
