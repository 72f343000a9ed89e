"""The way through a proxy, for hosts where the administrator asked for one."""

from __future__ import annotations

import urllib.request

from yarl import URL

from healthdesk.connectors.auth import basic


class Proxies:
    """The proxy variables of the environment, read once; with `use=False` there is never a proxy."""

    def __init__(self, *, use: bool) -> None:
        self._by_scheme: dict[str, URL] = {}
        if use:
            found = urllib.request.getproxies()
            self._by_scheme = {scheme: URL(found[scheme]) for scheme in ("http", "https") if scheme in found}
        self.any = bool(self._by_scheme)

    def way(self, url: URL) -> tuple[URL, str] | None:
        """Return the proxy for `url`, without its password, and the Proxy-Authorization it needs or an empty text."""
        proxy = self._by_scheme.get(url.scheme)
        if proxy is None or urllib.request.proxy_bypass(f"{url.host or ''}:{url.port or ''}"):
            return None
        credentials = ""
        if proxy.user:
            credentials = basic(proxy.user, proxy.password or "")
        return proxy.with_user(None), credentials
