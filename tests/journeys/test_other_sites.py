"""What other hosts can do to a shop's visitors. A real browser knows all hosts by name, over TLS."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from phonebind.limits import RULES
from server import demo
from tests.journeys.conftest import PASSWORD, QQ
from tests.support import hosts as names
from tests.support.hosts import EVIL, FRONT, SHOP, SIBLING, Hosts
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor
from tests.torture.report import Note

#: All characters that Python, and so Django, strips off the name of a cookie.
WHITE_SPACE = [char for char in map(chr, range(0x3001)) if not char.strip()]
#: The characters of WHITE_SPACE that Chromium 156 keeps before a name. It strips or refuses all ASCII ones.
KEPT = [char for char in WHITE_SPACE if not char.isascii()]
#: One of each kind: control characters, separators of words and of lines, and both lengths in UTF-8.
SOME = ["\x85", "\xa0", "\u2000", "\u2028", "\u3000"]
CALLBACK = f"{SHOP}/login/qq/callback/"
LIMITS = {
    name: [3, 3600]
    for name in ("image_address_hour", "human_address_hour", "sms_address_hour", "password_address", "password_account")
}
MOBILE = "13700000001"


@pytest.fixture(scope="module")
def database() -> int:
    """A database in the tests' Valkey, for this site alone."""
    return 7


@pytest.fixture(scope="module")
def hosts(data: Path, database: int) -> Iterator[Hosts]:
    """A shop with narrow limits, one front end on another host, and the other hosts by name."""
    environ = {
        "REDIS_URL": valkey_server().url.replace("db=0", f"db={database}"),
        "DJANGO_SETTINGS_MODULE": "tests.support.shop_settings",
        "ALLOWED_HOSTS": "shop.example,127.0.0.1",
        "CORS_ALLOWED_ORIGINS": FRONT,
        "LIMITS": json.dumps(LIMITS),
        "QQ_REDIRECT_URI": CALLBACK,
        "TRUSTED_PROXIES": "1",
    }
    with serve(data / "shop", **environ) as url, names.serving(url, data) as hosts:
        yield hosts


@pytest.fixture(scope="module")
def browser_flags(hosts: Hosts) -> list[str]:
    return hosts.flags


@pytest.fixture
def limits(database: int) -> Iterator[Callable[[], list[str]]]:
    """The counters of the shop's limits."""
    with redis.Redis.from_url(valkey_server().url.replace("db=0", f"db={database}"), decode_responses=True) as client:
        yield lambda: sorted(key for key in client.scan_iter() if key.split(":")[3] in RULES)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The victim's tab, without any cookie. Its console may complain: the browser reports there what it refused."""
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.fixture
def attacker(hosts: Hosts) -> Visitor:
    """An attacker at another address, who knows the cookies of the attacker's own browser."""
    proxied = {"Host": "shop.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    return Visitor(hosts.upstream, headers=proxied)


def path(url: str) -> str:
    """The path and query, to be requested from the shop by its address, without its name."""
    assert url.startswith(SHOP), url
    return url.removeprefix(SHOP)


def cookies(visitor: Visitor) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in visitor.cookies}


def begin(attacker: Visitor) -> tuple[str, str, str]:
    """A callback of the attacker's QQ that nobody has opened yet; and the name and value of the cookie that belongs to
    it.
    """
    attacker.cookies.clear()
    callback = attacker.click(attacker.get("/login/qq/").location, "fox")
    assert callback.startswith(CALLBACK)
    [(name, secret)] = cookies(attacker).items()
    return callback, name, secret


def plant(hosts: Hosts, page: Page, scheme: str, *pairs: tuple[str, str]) -> None:
    """A host beside the shop sets these cookies for all hosts of the site."""
    attributes = "Domain=shop.example; Path=/" + ("; Secure" if scheme == "https" else "")
    headers = [f"Set-Cookie: {name}={value}; {attributes}".encode() for name, value in pairs]
    page.goto(hosts.put(f"{scheme}://{SIBLING}/", "planted", *headers))


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def digits(chars: list[str]) -> list[str]:
    return [f"U+{ord(char):04X}" for char in chars]


# ---------------------------------------------------------------- cookies set by a host beside the shop


def test_what_chromium_keeps_before_the_name_of_a_cookie(hosts: Hosts, page: Page, note: Note) -> None:
    """If this fails, a new Chromium keeps more characters. Then try the attacks below with those characters too."""
    # By a script, since a header cannot hold line ends.
    script = "".join(
        f"document.cookie = {json.dumps(f'{char}__Host-{ord(char):04X}=x; Domain=shop.example; Path=/')};"
        for char in WHITE_SPACE
    )
    page.goto(hosts.put(f"http://{SIBLING}/", f"<script>{script}</script>"))
    hosts.heads.clear()
    page.goto(hosts.put(f"https://{SIBLING}/sent", "sent"))
    head = next(head for head in hosts.heads if b" /sent " in head).decode()
    kept = [char for char in WHITE_SPACE if f"{char}__Host-{ord(char):04X}=x" in head]
    note("white space before `__Host-`, set by another host of the site", tried=len(WHITE_SPACE), kept=len(kept))
    assert set(kept) <= set(KEPT)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_threat_41_a_planted_cookie_brings_nobody_into_anothers_sign_in(
    hosts: Hosts, attacker: Visitor, page: Page, note: Note, scheme: str
) -> None:
    """Otherwise the victim binds their mobile number to the attacker's QQ, and the attacker can sign in with it."""
    callbacks, pairs = {}, []
    for char in KEPT:
        callbacks[char], name, secret = begin(attacker)
        assert name.startswith("__Host-phonebind_flow_")
        pairs.append((f"{char}{name}", secret))
    plant(hosts, page, scheme, *pairs)
    through = []
    for char, callback in callbacks.items():
        page.goto(callback)
        if heading(page) != "This sign-in has expired":
            assert "🦊阿狸✨" in page.locator(".greeting").inner_text()
            through.append(char)
    what = f"a sign-in of the attacker's, its cookie planted by {scheme} with white space before its name"
    note(what, tried=len(callbacks), got_through=len(through))
    assert digits(through) == []


def arrived(attacker: Visitor) -> tuple[str, dict[str, str]]:
    """The attacker's bind page, and the cookies that it belongs to."""
    callback, *_ = begin(attacker)
    bind = attacker.get(path(callback)).location
    return bind, {name: value for name, value in cookies(attacker).items() if "_flow_" not in name and value}


def test_threat_41_a_planted_ticket_opens_no_bind_page(hosts: Hosts, attacker: Visitor, page: Page) -> None:
    bind, ours = arrived(attacker)
    assert sorted(name.split("_")[3] for name in ours) == ["kept", "ticket"]
    through = []
    for char in SOME:
        page.context.clear_cookies()
        plant(hosts, page, "http", *((f"{char}{name}", value) for name, value in ours.items()))
        page.goto(SHOP + bind)
        through += [] if heading(page) == "This sign-in has expired" else [char]
    assert digits(through) == []


def test_threat_41_a_ticket_in_a_form_needs_a_cookie_that_was_not_planted(
    hosts: Hosts, attacker: Visitor, page: Page
) -> None:
    """A form of the attacker carries the ticket, so only the attacker's cookie is missing."""
    bind, ours = arrived(attacker)
    ticket = next(value for name, value in ours.items() if "_kept_" in name)
    name, secret = next((name, value) for name, value in ours.items() if "_ticket_" in name)
    form = f'<form method="post" action="{SHOP}{bind}"><input name="access_token" value="{ticket}"><button>Win</button>'
    url, through = hosts.put(f"https://{SIBLING}/form", form), []
    for char in SOME:
        page.context.clear_cookies()
        plant(hosts, page, "https", (f"{char}{name}", secret))
        page.goto(url)
        page.locator("button").click()
        page.wait_for_url(SHOP + bind)
        through += [] if heading(page) == "This sign-in has expired" else [char]
    assert digits(through) == []


@pytest.fixture
def session(attacker: Visitor) -> tuple[str, str]:
    """Name and value of the attacker's session cookie."""
    bind, ours = arrived(attacker)
    ticket = next(value for name, value in ours.items() if "_kept_" in name)
    code = attacker.sms_code(MOBILE)
    done = attacker.submit(bind, mobile=MOBILE, sms_code=code, password=PASSWORD, access_token=ticket)
    assert done.location == "/login/done/"
    name = "__Host-sessionid"
    return name, cookies(attacker)[name]


def test_threat_41_a_planted_session_signs_nobody_in(hosts: Hosts, session: tuple[str, str], page: Page) -> None:
    """Otherwise the victim's orders and texts go into the attacker's account."""
    name, value = session
    through = []
    for char in SOME:
        page.context.clear_cookies()
        plant(hosts, page, "http", (f"{char}{name}", value))
        page.goto(f"{SHOP}/login/done/")
        through += [char] if page.get_by_text("137****0001").is_visible() else []
    assert digits(through) == []


def test_threat_41_a_planted_csrf_token_is_in_no_form(hosts: Hosts, session: tuple[str, str], page: Page) -> None:
    planted, through = "a" * 32, []
    for char in SOME:
        page.context.clear_cookies()
        page.context.add_cookies([{"name": session[0], "value": session[1], "url": SHOP, "secure": True}])
        plant(hosts, page, "http", (f"{char}__Host-csrftoken", planted))
        page.goto(f"{SHOP}/login/done/")
        assert page.locator("[name=csrfmiddlewaretoken]").count() == 1
        # The secret of the form's token is also sent as a cookie.
        [secret] = [cookie["value"] for cookie in page.context.cookies(SHOP) if cookie["name"] == "__Host-csrftoken"]
        through += [char] if secret == planted else []
    assert digits(through) == []


# ---------------------------------------------------------------- which site starts a sign-in

START = f"{SHOP}/login/qq/?next=/sandbox/inbox/"
SIGN_IN_PAGE = re.compile(rf"^{SHOP}/login/(\?|$)")
PROVIDER = re.compile(r"^http://127\.0\.0\.1:\d+/sandbox/qq/")
#: Each element leads to START as soon as it is tapped.
WAYS = {
    "link": f'<a id="go" href="{START}">Free coupons</a>',
    "link without referrer": f'<a id="go" rel="noreferrer" href="{START}">Free coupons</a>',
    "script": f"<button id=go onclick=\"location = '{START}'\">Free coupons</button>",
    "form": f'<form action="{SHOP}/login/qq/"><input name=next value=/sandbox/inbox/><button id=go>Win</button></form>',
}
POST = f'<form method="post" action="{START}"><button id=go>Win</button></form>'


@pytest.mark.parametrize("way", WAYS)
def test_threat_42_another_site_starts_no_sign_in(hosts: Hosts, page: Page, way: str) -> None:
    """Otherwise any page could sign its visitors in without their consent, with the QQ that is signed in at the
    provider.
    """
    page.goto(hosts.put(f"{EVIL}/", WAYS[way]))
    page.locator("#go").click()
    expect(page).not_to_have_url(f"{EVIL}/")
    expect(page).to_have_url(SIGN_IN_PAGE)
    assert page.context.cookies(SHOP) == []
    # A visitor who wants to sign in taps once more, and then comes to the same page.
    page.locator(QQ).click()
    expect(page).to_have_url(PROVIDER)
    page.locator("button[value=sam]").click()
    expect(page).to_have_url(re.compile(r"/login/qq/bind/[0-9a-f]+/$"))


def test_threat_42_a_form_of_another_site_starts_no_sign_in(hosts: Hosts, page: Page) -> None:
    page.goto(hosts.put(f"{EVIL}/", POST))
    with page.expect_navigation():
        page.locator("#go").click()
    assert page.url.startswith(f"{SHOP}/login/")
    assert page.context.cookies(SHOP) == []


def test_threat_42_another_site_starts_no_sign_in_behind_the_scenes(hosts: Hosts, page: Page) -> None:
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    body = f'<iframe src="{START}"></iframe><img src="{START}">'
    page.goto(hosts.put(f"{EVIL}/", body), wait_until="networkidle")
    assert START in seen
    assert [url for url in seen if PROVIDER.match(url)] == []
    assert page.context.cookies(SHOP) == []


def test_the_button_of_the_sign_in_page_leads_to_the_provider(page: Page) -> None:
    page.goto(f"{SHOP}/login/")
    page.locator(QQ).click()
    expect(page).to_have_url(PROVIDER)


def test_a_bookmark_leads_to_the_provider(page: Page) -> None:
    page.goto(START)
    expect(page).to_have_url(PROVIDER)


@pytest.mark.parametrize("way", ["link", "script"])
def test_a_page_of_the_same_site_leads_to_the_provider(hosts: Hosts, page: Page, way: str) -> None:
    page.goto(hosts.put(f"https://{SIBLING}/", WAYS[way]))
    page.locator("#go").click()
    expect(page).to_have_url(PROVIDER)


def test_who_was_refused_at_the_provider_starts_again_with_one_tap(page: Page) -> None:
    """The visitor came to this page from another site, but the link on it belongs to the shop."""
    page.goto(START)
    page.locator("button[name=deny]").click()
    assert heading(page) == "Sign-in cancelled"
    page.locator(QQ).click()
    expect(page).to_have_url(PROVIDER)


# A page that makes its visitor's browser send all requests that limits count, as often as the attacker likes.


def blind(attacker: Visitor) -> str:
    """A page that makes its visitor's browser send all requests that limits count, as often as the attacker likes."""
    image = str(uuid4())
    attacker.get(f"/image_codes/{image}/")
    text = attacker.get(f"/sandbox/image_codes/{image}.json").data["text"]
    # The attacker has read the image code. The SMS would count for the victim.
    solved = f"image_code_id={image}&text={text}"
    wrong = f"username={demo.MOBILE}&password=wrong-horse-1"
    bind = f"mobile={MOBILE}&password={PASSWORD}&sms_code=123456&access_token=x"
    posts = [
        ("/authorizations/", wrong),
        ("/oauth/qq/user/", bind),
        (f"/sms_codes/{MOBILE}/", solved),
        ("/authorizations/refresh/", "refresh=x"),
        ("/logout/", "x=1"),
        ("/login/qq/bind/0123456789ab/", f"action=send_code&{bind}&{solved}"),
    ]
    images = "".join(
        f'<img src="{SHOP}/{place}/{uuid4()}/">' for place in ["image_codes", "login/images"] for _ in range(30)
    )
    sms = "".join(f'<img src="{SHOP}/{place}/{MOBILE}/?{solved}">' for place in ("sms_codes", "human_checks"))
    forms = "".join(
        f'<iframe name="f{i}"></iframe><form method=post action="{SHOP}{place}" target="f{i}" enctype="{enctype}">'
        + "".join('<input name="{}" value="{}">'.format(*field.split("=")) for field in fields.split("&"))
        + "</form>"
        for i, (place, fields, enctype) in enumerate(
            (*post, enctype)
            for post in posts
            for enctype in ("application/x-www-form-urlencoded", "multipart/form-data")
        )
    )
    script = """
        const ask = (path, options) => fetch(SHOP + path, {credentials: "include", ...options}).catch(() => null);
        const done = (async () => {
            for (const mode of ["no-cors", "cors"]) {
                for (const [path, body] of POSTS) {
                    const headers = {"Content-Type": "application/x-www-form-urlencoded"};
                    for (let i = 0; i < 6; i++) await ask(path, {mode, method: "POST", headers, body});
                }
                for (const path of GETS) for (let i = 0; i < 6; i++) await ask(path, {mode});
            }
            const json = JSON.stringify({username: USERNAME, password: "wrong-horse-1"});
            for (const type of ["application/json", "text/plain"])
                await ask("/authorizations/", {method: "POST", headers: {"Content-Type": type}, body: json});
            for (const form of document.forms) form.submit();
        })();
    """
    gets = [f"/image_codes/{uuid4()}/", f"/sms_codes/{MOBILE}/?{solved}", f"/human_checks/{MOBILE}/"]
    given = {"SHOP": SHOP, "POSTS": posts, "GETS": gets, "USERNAME": demo.MOBILE}
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in given.items())
    return f"{images}{sms}{forms}<script>{constants}{script}</script>"


#: In the victim's own tab at the shop. The address is the same.
SIGN_IN = """async ([username, password, image]) => {
    const headers = {"Content-Type": "application/json"};
    const body = JSON.stringify({username, password});
    const answers = [fetch(image), fetch("/authorizations/", {method: "POST", headers, body})];
    return (await Promise.all(answers)).map(answer => answer.status);
}"""


def test_threat_42_another_site_uses_up_nobodys_limits(
    hosts: Hosts, attacker: Visitor, page: Page, limits: Callable[[], list[str]], note: Note
) -> None:
    body = blind(attacker)
    counted = limits()
    hosts.answers.clear()
    page.goto(hosts.put(f"{EVIL}/", body), wait_until="networkidle")
    page.evaluate("done")
    page.wait_for_load_state("networkidle")
    statuses = [status for method, _, status in hosts.answers if method != "OPTIONS"]
    note(
        "requests that a page of another site makes its visitor's browser send",
        sent=len(statuses),
        refused=statuses.count(403),
        counted=len(limits()) - len(counted),
    )
    assert len(statuses) > 100
    assert limits() == counted
    assert attacker.get("/sandbox/inbox.json").data == []
    assert set(statuses) == {403}

    own = page.context.new_page()
    own.goto(f"{SHOP}/login/")
    image = f"/image_codes/{uuid4()}/"
    assert own.evaluate(SIGN_IN, [demo.MOBILE, demo.PASSWORD, image]) == [200, 200]


def test_threat_42_the_refusal_is_told_in_json(hosts: Hosts) -> None:
    marked = {"Host": "shop.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    blind = Visitor(hosts.upstream, headers={**marked, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})
    answers = [
        blind.get(f"/image_codes/{uuid4()}/"),
        blind.get(f"/sms_codes/{MOBILE}/"),
        blind.get(f"/human_checks/{MOBILE}/"),
        blind.post("/authorizations/", username=demo.MOBILE, password="wrong-horse-1"),
        blind.submit("/oauth/qq/user/", mobile=MOBILE),
    ]
    assert [(answer.status, answer.data["code"]) for answer in answers] == [(403, "origin_not_allowed")] * 5


FRONT_END = """async ([shop, image, url, username, password]) => {
    const seen = {};
    const img = new Image();
    img.src = shop + url;
    await img.decode();
    seen.image = img.naturalWidth > 0;
    seen.fetched = (await fetch(shop + image)).status;
    seen.human = (await fetch(shop + "/human_checks/13700000001/")).status;
    const headers = {"Content-Type": "application/json"};
    const body = JSON.stringify({username, password});
    const answer = await fetch(shop + "/authorizations/", {method: "POST", headers, body});
    seen.signed_in = [answer.status, Object.keys(await answer.json()).includes("token")];
    return seen;
}"""


def test_a_front_end_elsewhere_that_the_shop_allows_does_all_of_it(
    hosts: Hosts, attacker: Visitor, page: Page, limits: Callable[[], list[str]]
) -> None:
    page.goto(hosts.put(f"{FRONT}/cart.html", "<title>Cart</title>"))
    image, shown = str(uuid4()), f"/login/images/{uuid4()}/"
    seen = page.evaluate(FRONT_END, [SHOP, f"/image_codes/{image}/", shown, demo.MOBILE, demo.PASSWORD])
    assert seen == {"image": True, "fetched": 200, "human": 200, "signed_in": [200, True]}
    text = attacker.get(f"/sandbox/image_codes/{image}.json").data["text"]
    sent = "async url => (await (await fetch(url)).json()).message"
    assert page.evaluate(sent, f"{SHOP}/sms_codes/{MOBILE}/?image_code_id={image}&text={text}") == "OK"
    # The request counts, as always.
    assert [name for name in limits() if "phonebind:image_address_hour" in name]


def test_a_front_end_elsewhere_shows_images_without_a_script(hosts: Hosts, page: Page) -> None:
    """A request of an <img> has no Origin. The Referer shows where it comes from."""
    url = f"{SHOP}/image_codes/{uuid4()}/"
    page.goto(hosts.put(f"{FRONT}/bind.html", f'<img src="{url}">'))
    assert page.locator("img").evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
