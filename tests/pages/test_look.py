"""The look of the pages: settings, public names of colours, shapes and blocks, and the themed example."""

import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

import phonebind as package
from phonebind.human.image_drawing import LENGTH
from tests.pages.conftest import Shopper
from tests.support import documents
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db

PACKAGE = Path(package.__file__).parent
STYLES = PACKAGE / "pages/static/phonebind/phonebind.css"
TEMPLATES = {
    path.name: path.read_text()
    for part in ("pages", "lifecycle")
    for path in (PACKAGE / part / "templates/phonebind").glob("*.html")
}
EXAMPLE = documents.ROOT / "examples/themed_shop"
PAGE = "how-to/style-pages"


def login(shopper: Shopper) -> tuple[str, str]:
    """The page and its policy."""
    answer = shopper.http.get("/login/")
    return answer.content.decode(), answer.headers["Content-Security-Policy"]


# ---------------------------------------------------------------- settings


def test_as_it_comes_there_is_the_name_and_no_link(shopper: Shopper) -> None:
    html, _policy = login(shopper)
    assert '<img src="/static/phonebind/icon.svg" width="28" height="28" alt="">phonebind</p>' in html
    assert html.count('<link rel="stylesheet"') == 1
    assert not re.search("<a ", html.partition('<footer class="foot">')[2])
    assert "agree to" not in html


@pytest.mark.parametrize(
    ("named", "url", "origin"),
    [
        ("shop/look.x", "/static/shop/look.x", ""),
        ("/media/look.x", "/media/look.x", ""),
        ("https://cdn.example/a/look.x", "https://cdn.example/a/look.x", " https://cdn.example"),
        ("http://cdn.example:8080/look.x", "http://cdn.example:8080/look.x", " http://cdn.example:8080"),
    ],
)
def test_a_logo_and_a_style_sheet_may_be_anywhere(
    shopper: Shopper, phonebind: Configure, named: str, url: str, origin: str
) -> None:
    phonebind(logo_url=named)
    html, policy = login(shopper)
    assert f'<p class="site"><img class="logo" src="{url}" alt="phonebind"></p>' in html
    assert f"img-src 'self'{origin};" in policy
    assert "style-src 'self';" in policy
    phonebind(logo_url="", style_url=named)
    html, policy = login(shopper)
    assert re.findall(r'<link rel="stylesheet" href="(.*?)">', html) == ["/static/phonebind/phonebind.css", url]
    assert f"style-src 'self'{origin};" in policy
    assert "img-src 'self';" in policy


def test_an_origin_is_named_once(shopper: Shopper, phonebind: Configure, settings: Settings) -> None:
    settings.STATIC_URL = "https://cdn.example/files/"
    phonebind(logo_url="https://cdn.example/logo.svg")
    assert "img-src 'self' https://cdn.example;" in login(shopper)[1]


@pytest.mark.parametrize(
    "named",
    [
        "https://cdn.example *;/x",
        "https://cdn.example;script-src *;/x",
        "https://'unsafe-inline'/x",
        "//*,*/x",
        "https://[broken/x",
        "https://" + "\u00e9" * 70 + ".example/x",
    ],
)
def test_threat_21_no_address_of_a_logo_or_style_sheet_widens_the_policy(
    shopper: Shopper, phonebind: Configure, named: str
) -> None:
    """A slip in a setting. The page works, and its policy allows nothing more than without the setting."""
    strict = login(shopper)[1]
    phonebind(logo_url=named, style_url=named)
    assert login(shopper)[1] == strict


def test_links_lead_to_the_shop_and_to_help_from_every_page(shopper: Shopper, phonebind: Configure) -> None:
    phonebind(site_name="Tea", return_url="https://tea.example/?a=1&b=2", help_url="/help/")
    for path in ("/login/", "/login/qq/callback/"):
        foot = shopper.http.get(path).content.decode().partition('<footer class="foot">')[2]
        assert re.findall(r'<a href="(.*?)">(.*?)</a>', foot) == [
            ("https://tea.example/?a=1&amp;b=2", "Back to Tea"),
            ("/help/", "Help"),
        ]


def test_the_sign_in_page_says_what_somebody_new_agrees_to(shopper: Shopper, phonebind: Configure) -> None:
    phonebind(terms_url="/terms/")
    html, _policy = login(shopper)
    [line] = re.findall(r'<p class="fine">(.*?)</p>', html, re.DOTALL)
    assert re.findall(r'href="(.*?)"', line) == ["/terms/"]
    phonebind(terms_url="/terms/", privacy_url="/privacy/")
    assert re.findall(r'href="(/(?:terms|privacy)/)"', login(shopper)[0]) == ["/terms/", "/privacy/"]


# ---------------------------------------------------------------- forms


@pytest.mark.usefixtures("qq")
def test_fields_show_what_to_type(shopper: Shopper) -> None:
    html = shopper.http.get(shopper.arrive()).content.decode()
    assert re.findall(r'placeholder="(.*?)"', html) == ["138 0013 8000", f"all {LENGTH}", "6 digits"]
    assert re.findall(r'<span class="prefix" aria-hidden="true">(.*?)</span><input type="tel"', html) == ["+86"]


@pytest.mark.usefixtures("qq")
def test_the_bind_says_which_step_it_is(shopper: Shopper) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": "13900000001"}
    shopper.send_code(url, form)
    pages = [shopper.http.get(url), shopper.prove(url, form | {"sms_code": shopper.sms_code()})]
    steps = [re.findall(r"<li([^>]*)>(.*?)</li>", page.content.decode()) for page in pages]
    past, here = ' class="past"', ' aria-current="step"'
    assert steps == [
        [(past, "QQ"), (here, "Mobile number"), ("", "Password")],
        [(past, "QQ"), (past, "Mobile number"), (here, "Password")],
    ]


# ---------------------------------------------------------------- public names


def properties(style: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+): ([^;]+);", style))


def by_day_and_by_night() -> tuple[dict[str, str], dict[str, str]]:
    [day, night] = re.findall(r":root \{(.*?)\}", STYLES.read_text().partition("@supports")[0], re.DOTALL)
    return properties(day), properties(night)


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_colours_and_shapes_are_the_documented_ones(language: str) -> None:
    """The names are documented and stay: if a name disappears, a host's style sheet breaks."""
    day, night = by_day_and_by_night()
    table = [row for row in documents.rows(documents.read(PAGE, language)) if row[0].startswith("`--")]
    plain = [[cell.strip("`") for cell in row[:-1]] for row in table if "`" in row[1]]
    colours = [row for row in plain if len(row) == 3]
    shapes = [row for row in plain if len(row) == 2]
    in_words = {"--accent-over", "--font", "--shadow"}
    assert {row[0].strip("`") for row in table} == day.keys() | {"--accent-over"}
    assert {name: (value, night[name]) for name, value in day.items() if name in night} == {
        "--shadow": (day["--shadow"], "none"),
        **{name: (light, dark) for name, light, dark in colours},
    }
    shapes_of_day = {name: value for name, value in day.items() if name not in night and name not in in_words}
    assert {name: value for name, value in shapes if value == day.get(name)} == shapes_of_day
    assert "var(--accent-over, var(--accent))" in STYLES.read_text()


def test_these_names_stay() -> None:
    names = "page card ink quiet line edge accent on-accent soft error error-soft good apple on-apple shadow font width"
    assert by_day_and_by_night()[0].keys() == {
        f"--{name}" for name in [*names.split(), "radius", "radius-card", "control", "logo"]
    }


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_what_makes_the_pages_light_for_ever_has_all_our_colours(language: str) -> None:
    day, night = by_day_and_by_night()
    [recipe] = [
        css for _kind, css in documents.blocks(documents.read(PAGE, language), "css") if "color-scheme: light" in css
    ]
    assert properties(recipe) == {name: day[name] for name in night if name != "--shadow"}


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_blocks_are_the_documented_ones(language: str) -> None:
    rows = [row for row in documents.rows(documents.read(PAGE, language)) if ".html`" in row[0] and len(row) == 3]
    documented = {(name, row[1].strip("`")) for row in rows for name in documents.named(row[0])}
    own = {"base.html", "code_page.html", "question.html", "problem.html"}
    found = {
        (name, block)
        for name, text in TEMPLATES.items()
        for block in re.findall(r"{% block (\w+) %}", text)
        if name in own or block == "agreement"
    }
    of_base = {block for name, block in found if name == "base.html"}
    assert {(name, block) for name, block in found if name == "base.html" or block not in of_base} == documented


def test_a_script_in_the_head_of_ones_own_is_on_pages_with_forms_too() -> None:
    for name, text in TEMPLATES.items():
        if name != "base.html" and "{% block head %}" in text:
            assert "{% block head %}{{ block.super }}" in text, name


def contrast(one: str, other: str) -> float:
    """The contrast as WCAG 2 defines it, of colours such as ``#fff`` or ``#a1b2c3``."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        whole = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
        parts = [int(whole[index : index + 2], 16) / 255 for index in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("style", [STYLES, EXAMPLE / "static/teashop/theme.css"], ids=["ours", "example"])
@pytest.mark.parametrize("index", [0, 1], ids=["light", "dark"])
def test_threat_21_everybody_can_read_it_and_see_its_edges(style: Path, index: int) -> None:
    text = style.read_text().partition("@supports")[0]
    own = properties(re.findall(r":root \{(.*?)\}", text, re.DOTALL)[index])
    colours = by_day_and_by_night()[index] | own
    for front, back, least in (
        ("ink", "card", 4.5),
        ("quiet", "card", 4.5),
        ("quiet", "page", 4.5),
        ("accent", "card", 4.5),
        ("error", "card", 4.5),
        ("good", "card", 4.5),
        ("on-accent", "accent", 4.5),
        ("edge", "card", 3),
    ):
        assert contrast(colours[f"--{front}"], colours[f"--{back}"]) >= least, (front, back)


# ---------------------------------------------------------------- examples


def in_front(settings: Settings, directory: Path) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [directory]}]


def test_a_block_of_ones_own_is_on_every_page(
    shopper: Shopper, phonebind: Configure, settings: Settings, tmp_path: Path
) -> None:
    """The block as in the document."""
    [own] = documents.code(PAGE, "html")
    (tmp_path / "phonebind").mkdir()
    (tmp_path / "phonebind/base.html").write_text(own)
    in_front(settings, tmp_path)
    phonebind(logo_url="/logo.svg", site_name="Tea", help_url="/help/")
    for path in ("/login/", "/login/qq/callback/"):
        html = shopper.http.get(path).content.decode()
        assert '<p class="site"><img class="logo" src="/logo.svg" alt=""> Tea</p>' in html
        assert '<a href="/help/">Help</a> <a href="tel:400-123-4567">' in html


def test_the_settings_of_the_document_are_settings(shopper: Shopper, phonebind: Configure) -> None:
    [block] = documents.code(PAGE, "python")
    given: dict[str, Any] = {"PHONEBIND": {}}
    exec(block, given)  # noqa: S102 - it is our own document
    phonebind(**{name.lower(): value for name, value in given["PHONEBIND"].items()})
    html, _policy = login(shopper)
    for said in ("/static/shop/logo.svg", "/static/shop/theme.css", "Back to Tea Shop", 'href="/help/"'):
        assert said in html


def test_the_themed_shop(shopper: Shopper, phonebind: Configure, settings: Settings) -> None:
    """Its settings and templates. tests/journeys/test_look.py tests its look."""
    from examples.themed_shop import settings as shop  # noqa: PLC0415 - reads the environment of the tests

    given: dict[str, Any] = shop.PHONEBIND
    ours = ("SITE_NAME", "LOGO_URL", "STYLE_URL", "HELP_URL", "RETURN_URL", "TERMS_URL", "PRIVACY_URL")
    in_front(settings, EXAMPLE / "templates")
    phonebind(**{name.lower(): given[name] for name in ours})
    html, _policy = login(shopper)
    assert 'src="/static/teashop/logo.svg" alt="">&nbsp; 青山茶铺' in html
    assert "Your first order ships free" in html
    assert "New here?" in html
    assert "400-123-4567" in html
    [static] = shop.STATICFILES_DIRS
    assert all((static / given[name]).exists() for name in ("LOGO_URL", "STYLE_URL"))
    assert properties((static / given["STYLE_URL"]).read_text()).keys() <= by_day_and_by_night()[0].keys()
