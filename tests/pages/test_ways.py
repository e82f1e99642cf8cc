"""Several ways to sign in: which of them a browser is shown, in which order, and the message if none works."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.template.loader import select_template
from django.utils.translation import gettext, override
from pytest_django import Settings

import phonebind.pages
from phonebind import oauth
from phonebind.pages.answers import marks
from tests.pages.conftest import Shopper
from tests.support.documents import code
from tests.support.edge import Configure
from tests.support.ways import (
    AVATAR,
    DESKTOP,
    IN_A_SNAPSHOT,
    IN_ANOTHER_BROWSER_OF_QQ,
    IN_QQ,
    IN_WECHAT,
    IN_WECHAT_ON_A_DESKTOP,
    PHONE,
    Alipay,
    Apple,
    Made,
    OfficialAccount,
    QRCode,
    Weibo,
    entries,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MARKS = sorted((Path(phonebind.pages.__file__).parent / "templates/phonebind/marks").glob("*.html"))
IN_ALIPAY = f"{PHONE} AlipayClient/10.6"


@pytest.fixture
def several(phonebind: Configure) -> Configure:
    """Two kinds of WeChat, QQ, Weibo, Alipay, Apple; and a provider without a mark."""
    ours = phonebind.settings.PHONEBIND["PROVIDERS"]
    made = entries(QRCode, OfficialAccount, Weibo, Alipay, Apple, Made)
    phonebind.settings.PHONEBIND |= {"PROVIDERS": {**ours, **made}}
    return phonebind


def only(phonebind: Configure, *kinds: type[Made]) -> None:
    phonebind.settings.PHONEBIND |= {"PROVIDERS": entries(*kinds)}


def page(shopper: Shopper, user_agent: str) -> str:
    return str(shopper.http.get("/login/", headers={"user-agent": user_agent}).content.decode())


def buttons(shopper: Shopper, user_agent: str) -> list[str]:
    return re.findall(r'href="/login/(\w+)/"', page(shopper, user_agent))


@pytest.mark.parametrize(
    ("user_agent", "names"),
    [
        (DESKTOP, ["qq", "wechat_web", "weibo", "alipay", "apple", "made"]),
        (PHONE, ["qq", "weibo", "alipay", "apple", "made"]),
        (IN_WECHAT, ["wechat_oa", "qq", "weibo", "alipay", "apple", "made"]),
        (IN_WECHAT_ON_A_DESKTOP, ["wechat_oa", "qq", "weibo", "alipay", "apple", "made"]),
        (IN_ALIPAY, ["alipay", "qq", "weibo", "apple", "made"]),
        (f"{PHONE} Weibo", ["weibo", "qq", "alipay", "apple", "made"]),
        ("", ["qq", "wechat_web", "weibo", "alipay", "apple", "made"]),
    ],
)
def test_a_browser_is_shown_what_works_there(
    several: Configure, shopper: Shopper, user_agent: str, names: list[str]
) -> None:
    """In an app, the app's own way comes first, and the QR code is missing: a phone cannot scan its own screen."""
    assert buttons(shopper, user_agent) == names


def test_qq_comes_first_in_qq_alone(phonebind: Configure, shopper: Shopper) -> None:
    """But not in QQ Browser, a browser of the same company with "QQBrowser" in its user agent."""
    ours = phonebind.settings.PHONEBIND["PROVIDERS"]
    phonebind.settings.PHONEBIND |= {"PROVIDERS": {**entries(Weibo), **ours}}
    assert buttons(shopper, IN_QQ) == ["qq", "weibo"]
    assert buttons(shopper, IN_ANOTHER_BROWSER_OF_QQ) == ["weibo", "qq"]


def test_two_apps_of_one_provider_stay_two(phonebind: Configure, shopper: Shopper) -> None:
    ours = phonebind.settings.PHONEBIND["PROVIDERS"]
    phonebind.settings.PHONEBIND |= {"PROVIDERS": {**ours, "qq2": {**ours["qq"], "provider": "qq", "client_id": "2"}}}
    assert buttons(shopper, IN_QQ) == buttons(shopper, DESKTOP) == ["qq", "qq2"]


def test_what_takes_another_browser_is_said(several: Configure, shopper: Shopper) -> None:
    """Otherwise a person who signed in with it elsewhere would not find their account."""
    in_app, on_computer = "open this page in the WeChat app", "open this page on a computer"
    html = page(shopper, PHONE)
    assert in_app in html
    assert on_computer in html
    assert "You cannot sign in with this browser." not in html
    for user_agent in (DESKTOP, IN_WECHAT, IN_WECHAT_ON_A_DESKTOP):
        html = page(shopper, user_agent)
        assert in_app not in html
        assert on_computer not in html


@pytest.mark.parametrize(
    ("kind", "user_agent", "instead"),
    [
        (OfficialAccount, PHONE, "To sign in with WeChat, open this page in the WeChat app."),
        (OfficialAccount, DESKTOP, "To sign in with WeChat, open this page in the WeChat app."),
        (QRCode, PHONE, "To sign in with WeChat, open this page on a computer."),
    ],
)
def test_where_nothing_works_the_page_says_what_to_open(
    phonebind: Configure, shopper: Shopper, kind: type[Made], user_agent: str, instead: str
) -> None:
    only(phonebind, kind)
    html = page(shopper, user_agent)
    assert "You cannot sign in with this browser." in html
    assert instead in html
    assert buttons(shopper, user_agent) == []
    assert "one tap is enough" not in html


def test_every_button_says_whose_it_is_and_keeps_next(several: Configure, shopper: Shopper) -> None:
    html = shopper.http.get("/login/", {"next": "/cart/"}, headers={"user-agent": DESKTOP}).content.decode()
    texts = [
        " ".join(re.sub(r"<[^>]+>", " ", link).split())
        for link in re.findall(r"<a [^>]*next=%2Fcart%2F.*?</a>", html, re.DOTALL)
    ]
    assert texts == [
        *(f"Sign in with {name}" for name in ("QQ", "WeChat", "Weibo", "Alipay")),
        "通过 Apple 登录",
        "Sign in with Made",
    ]


def test_the_only_way_stands_out_and_several_do_not(several: Configure, shopper: Shopper) -> None:
    assert 'class="button way"' in page(shopper, DESKTOP)
    assert 'class="button way main"' not in page(shopper, DESKTOP)
    only(several, Weibo)
    assert 'class="button way main"' in page(shopper, DESKTOP)


# ---------------------------------------------------------------- marks


def test_every_family_of_ours_has_a_mark_and_others_get_a_key() -> None:
    drawn = {path.stem for path in MARKS}
    assert drawn == {kind.partition("_")[0] for kind in oauth.KINDS} - {"oidc"}
    for family in drawn:
        assert select_template(marks(family)).template.name == f"phonebind/marks/{family}.html"
    assert select_template(marks("made")).template.name == "phonebind/mark.html"


@pytest.mark.parametrize("mark", [*MARKS, MARKS[0].parents[1] / "mark.html"], ids=lambda path: path.stem)
def test_threat_21_a_mark_is_a_drawing_and_nothing_else(mark: Path) -> None:
    """The page shows it inline: nothing is loaded, no code runs, and screen readers read only the text beside it."""
    svg = mark.read_text()
    assert svg.startswith('<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">')
    assert set(re.findall(r"<(\w+)", svg)) <= {"svg", "g", "path", "circle", "ellipse", "rect"}
    assert not re.search(r"href|url\(|id=|{", svg)


def test_a_shop_puts_the_official_file_in_the_place_of_a_mark(
    several: Configure, shopper: Shopper, settings: Settings, tmp_path: Path
) -> None:
    """As docs/en/how-to/marks.md says."""
    [template] = code("how-to/marks", "html")
    [name] = re.findall(r"templates/(\S+)", template)
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(template)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    html = page(shopper, DESKTOP)
    assert html.count("wechat.svg") == 1
    assert html.count("<svg") == len(buttons(shopper, DESKTOP)) - 1


# ---------------------------------------------------------------- the person who arrives


@pytest.fixture
def weibo(phonebind: Configure) -> None:
    only(phonebind, Weibo)


def arrive(shopper: Shopper, user_agent: str = PHONE) -> Any:
    """Press the button. Returns the address that the callback redirects to."""
    start = shopper.http.get("/login/weibo/", {"next": "/cart/"}, headers={"user-agent": user_agent})
    return shopper.http.get(start["Location"])


def img_src(answer: Any) -> str:
    [found] = re.findall(r"img-src [^;]*", str(answer["Content-Security-Policy"]))
    return str(found)


IMG = f'<img src="{AVATAR.replace("&", "&amp;")}" width="48" alt="" referrerpolicy="no-referrer">'


def test_threat_21_the_form_may_show_the_avatar_and_loads_nothing_else(weibo: None, shopper: Shopper) -> None:
    url = arrive(shopper)["Location"]
    for answer in (shopper.http.get(url), shopper.submit(url, shopper.form(url) | {"action": "image"})):
        assert img_src(answer) == "img-src 'self' https://avatar.example"
        assert IMG in answer.content.decode()
        assert "Hello, 小兰" in answer.content.decode()
        assert "Weibo has confirmed you" in answer.content.decode()
    for path in ("/login/", "/login/weibo/", "/login/weibo/callback/", "/login/weibo/bind/abc/"):
        assert img_src(shopper.http.get(path)) == "img-src 'self'"


def test_who_is_signed_in_sees_the_avatar_too(weibo: None, shopper: Shopper) -> None:
    shopper.http.force_login(get_user_model().objects.create_user(username="anne", mobile="13900000001"))
    answer = shopper.http.get(arrive(shopper)["Location"])
    assert img_src(answer) == "img-src 'self' https://avatar.example"
    assert IMG in answer.content.decode()
    assert "Bind Weibo to your account" in answer.content.decode()


@pytest.mark.usefixtures("qq")
def test_without_an_avatar_the_form_loads_nothing_from_elsewhere(shopper: Shopper) -> None:
    answer = shopper.http.get(shopper.arrive())
    assert img_src(answer) == "img-src 'self'"
    assert "<img src=" not in answer.content.decode().partition('class="greeting"')[2].partition("</div>")[0]


def test_a_snapshot_is_told_from_the_page_and_leads_to_a_new_sign_in(weibo: None, shopper: Shopper) -> None:
    answer = arrive(shopper, IN_A_SNAPSHOT)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "<h1>WeChat shows a snapshot</h1>" in html
    assert "Tap &quot;Use full service&quot; and sign in again." in html
    assert 'href="/login/weibo/?next=%2Fcart%2F"' in html
    assert arrive(shopper)["Location"].startswith("/login/weibo/bind/")


@pytest.mark.usefixtures("weibo")
def test_no_page_calls_the_provider_by_the_name_of_another(shopper: Shopper) -> None:
    url = arrive(shopper)["Location"]
    pages = [shopper.http.get(path) for path in ("/login/", url, "/login/weibo/callback/?state=x")]
    # A token in an address may contain those letters by chance.
    assert [answer for answer in pages if re.search(r"(?<![\w-])QQ(?![\w-])", answer.content.decode())] == []


def test_no_space_stands_between_two_chinese_characters() -> None:
    """Some provider names are Chinese: a space around QQ is right, and a space around 微信 is wrong."""
    texts = ["Sign in with %(provider)s", "Bind %(provider)s to your account", "%(provider)s has confirmed you"]
    texts += ["To sign in with %(provider)s, open this page in the %(provider)s app."]
    texts += ["%(provider)s did not confirm that it is you. Nothing was changed."]
    with override("zh-hans"):
        for said in (gettext(text) % {"provider": "微信"} for text in texts):
            assert not re.search("[\u4e00-\u9fff] [\u4e00-\u9fff]", said), said
