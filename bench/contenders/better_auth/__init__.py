"""better-auth 1.7 on Node, its generic OAuth plugin in QQ's place, as its documentation sets it up.

Installed by ``npm install --no-package-lock --no-fund --no-audit --prefix bench/contenders/better_auth``; package.json
pins what it draws in as well.

- Plugins, "Generic OAuth": token and profile from two explicit endpoints, PKCE as by default. Its providers are signed
  in with as all others are, at ``/sign-in/social`` and ``/callback/qq``; 1.6 had paths of its own for them.
- Adapters, "PostgreSQL": a ``pg`` pool per process, with pg's default of ten connections; tables by its own migration.
  With joins, as that page advises for speed: six statements a sign-in, where the default makes seven.
- "Rate Limit": on, as in production by default, by the address in X-Forwarded-For, counted in each process's memory.
  The page also offers the database, which would cost more.
- State in the database and in a signed cookie, the provider's tokens updated, a session in the database and its cookie:
  all as by default. Its URL is HTTPS, so cookies are ``Secure``.
- Ours, in its favour: a unique index on accounts by provider and id. Its migration makes none, nor does its guide
  "Optimizing for Performance" ask for one.
- Node's cluster module, a process per worker: a process has one event loop, so ``site.threads`` has no meaning here.
"""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from bench.contenders import CLIENT_ID, CLIENT_SECRET, Answer, Contender, Request, Site

HOME = Path(__file__).parent
ORIGIN = "https://shop.example"
#: Where it sends a person who is signed in.
NEXT = "/cart.html"
#: As a proxy that ended TLS says it.
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
    """An error is a redirect too, elsewhere; a session is a cookie that is not empty."""
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
