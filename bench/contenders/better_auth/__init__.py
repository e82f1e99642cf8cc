"""better-auth 1.7 on Node, with its generic OAuth plugin for QQ, set up as its documentation says.

Install it with ``npm install --no-package-lock --no-fund --no-audit --prefix bench/contenders/better_auth``.
package.json pins the indirect dependencies too.

- Plugins, "Generic OAuth": two explicit endpoints for token and profile, and PKCE, which is the default. People sign in
  at ``/sign-in/social`` and ``/callback/qq``, as with all its other providers; 1.6 had separate paths for this plugin.
- Adapters, "PostgreSQL": a ``pg`` pool for each process, with pg's default of ten connections; tables by its own
  migration. Joins are on, as that page advises for speed: a sign-in takes six statements, and seven by default.
- "Rate Limit": on, as it is by default in production. It counts by the address in X-Forwarded-For, in the memory of
  each process. The page also offers the database, which would cost more.
- All by default: state in the database and in a signed cookie; the provider's tokens are updated; a session in the
  database and its cookie. Its URL is HTTPS, so cookies are ``Secure``.
- We add, in its favour, a unique index on accounts by provider and id. Its migration makes none, and its guide
  "Optimizing for Performance" does not ask for one.
- Node's cluster module runs one process per worker. A process has one event loop, so ``site.threads`` has no effect
  here.
"""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from bench.contenders import CLIENT_ID, CLIENT_SECRET, Answer, Contender, Request, Site

HOME = Path(__file__).parent
ORIGIN = "https://shop.example"
#: The page to which it sends a signed-in person.
NEXT = "/cart.html"
#: The header of a proxy that has terminated TLS.
HTTPS = {"X-Forwarded-Proto": "https"}


def environ(site: Site) -> dict[str, str]:
    return {
        "NODE_ENV": "production",
        "BETTER_AUTH_URL": ORIGIN,
        "BETTER_AUTH_SECRET": "bench-only-" + "0" * 50,
        "DATABASE_URL": site.database_url,
        "QQ_CLIENT_ID": CLIENT_ID,
        "QQ_CLIENT_SECRET": CLIENT_SECRET,
        "BENCH_UPSTREAM": site.upstream,
        "PORT": str(site.port),
        "WORKERS": str(site.workers),
    }


def prepare(site: Site) -> None:
    command = ["node", str(HOME / "migrate.js")]
    subprocess.run(command, env={**os.environ, **environ(site)}, check=True)


def begin(site: Site) -> Request:
    body = json.dumps({"provider": "qq", "callbackURL": NEXT}).encode()
    headers = {**HTTPS, "Origin": ORIGIN, "Content-Type": "application/json"}
    return Request("POST", "/api/auth/sign-in/social", headers, body)


def call_back(site: Site, begun: Answer | None, code: str) -> Request:
    assert begun
    state = parse_qs(urlsplit(begun.json()["url"]).query)["state"][0]
    path = f"/api/auth/callback/qq?code={code}&state={quote(state)}"
    return Request("GET", path, {**HTTPS, "Cookie": begun.cookies})


def is_signed_in(answer: Answer) -> bool:
    """An error is a redirect too, but to another page. A session is a cookie that is not empty."""
    session = "__Secure-better-auth.session_token="
    cookies = [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"]
    has_session = any(cookie.startswith(session) and cookie != session for cookie in cookies)
    return answer.status == 302 and answer.header("location") == NEXT and has_session


CONTENDER = Contender(
    name="better_auth",
    title="better-auth 1.7",
    prepare=prepare,
    seed=[
        """INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
           SELECT md5('user' || n), '小明', md5(n::text) || '@qq.example', false, now(), now()
           FROM generate_series(:first, :last) n""",
        """INSERT INTO account (id, "accountId", "providerId", "userId", "accessToken", "accessTokenExpiresAt",
                                "createdAt", "updatedAt")
           SELECT md5('account' || n), upper(md5(n::text)), 'qq', md5('user' || n), 'token-' || upper(md5(n::text)),
                  now() + interval '90 days', now(), now()
           FROM generate_series(:first, :last) n""",
    ],
    command=lambda site: ["node", str(HOME / "server.js")],
    environ=environ,
    begin=begin,
    call_back=call_back,
    is_signed_in=is_signed_in,
    needs="node",
)
