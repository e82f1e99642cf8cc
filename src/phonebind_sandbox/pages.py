"""The sandbox's start page, and the page with the switches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps as registry
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from . import conf, faults
from .bodies import Unreadable, read_object
from .codes import ALIPAY_CODES, CAPTCHA_CODES, CLOUD_ERRORS, CODES, PROFILE_CODES, WEIBO_CODES
from .gate import sandbox_view
from .people import PEOPLE, Person
from .sms_codes import ALIYUN_CODES, HTTP_CODES, TENCENT_SMS_CODES, YUNTONGXUN_CODES
from .wechat_codes import WECHAT_CODES

_ALIPAY = {sub_code: " ".join(words) for sub_code, words in ALIPAY_CODES.items()}

#: What a switch's values mean, if the value alone does not say it.
_WORDS: Mapping[str, Mapping[Any, str]] = {
    "authorize_error": CODES,
    "token_error": CODES,
    "me_error": CODES,
    "profile_error": PROFILE_CODES,
    "weibo_authorize_error": WEIBO_CODES,
    "weibo_token_error": WEIBO_CODES,
    "weibo_token_info_error": WEIBO_CODES,
    "weibo_profile_error": WEIBO_CODES,
    "alipay_token_error": _ALIPAY,
    "alipay_profile_error": _ALIPAY,
    "aliyun_code": ALIYUN_CODES,
    "tencent_sms_code": TENCENT_SMS_CODES,
    "yuntongxun_code": YUNTONGXUN_CODES,
    "http_code": HTTP_CODES,
    "tencent_code": CAPTCHA_CODES,
    "tencent_error": CLOUD_ERRORS,
    "wechat_token_error": WECHAT_CODES,
    "wechat_userinfo_error": WECHAT_CODES,
    "wechat_app_token_error": WECHAT_CODES,
    "wechat_phone_error": WECHAT_CODES,
}


@dataclass(frozen=True, slots=True)
class _Provider:
    """One provider on the start page. ``path``: its path below the sandbox. ``kinds``: the kinds of its apps.
    ``ids``: returns the id by which an app knows a person, if it is shown.
    """

    zh: str
    en: str
    path: str
    kinds: tuple[str, ...]
    ids: Callable[[Person, conf.App], str] | None = None


def _weibo_uid(person: Person, _: conf.App) -> str:
    return person.weibo_uid


#: The providers on the start page, one line each, in this order.
PROVIDERS = [
    _Provider("QQ 互联", "QQ Connect", "qq", ("qq", "qq_app"), Person.openid),
    _Provider("微信", "WeChat", "wechat", ("wechat_web", "wechat_oa", "wechat_app", "wechat_miniprogram")),
    _Provider("微博", "Weibo", "weibo", ("weibo",), _weibo_uid),
    _Provider("支付宝", "Alipay", "alipay", ("alipay",), Person.alipay_open_id),
    _Provider("Apple", "Apple", "apple", ("apple",)),
    _Provider("OpenID Connect", "OpenID Connect", "oidc", ("oidc",)),
]


@sandbox_view("GET")
def index(request: HttpRequest) -> HttpResponse:
    here = request.build_absolute_uri(reverse("phonebind_sandbox:index"))
    context = {
        "providers": [(provider, f"{here}{provider.path}", _apps(provider)) for provider in PROVIDERS],
        "sms": _sms(here),
        "people": [(person, _ids(person)) for person in PEOPLE.values()],
        "here": here,
        "turned": _turned(),
        "image_codes": registry.is_installed("phonebind"),
    }
    return render(request, "phonebind_sandbox/index.html", context)


@sandbox_view("GET", "POST")
def faults_page(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return render(request, "phonebind_sandbox/faults.html", {"rows": _rows(), "turned": _turned()})
    if "reset" in request.POST:
        faults.reset()
        return redirect("phonebind_sandbox:faults")
    try:
        faults.write(request.POST.dict())
    except faults.NotAllowed as error:
        return _not_allowed(error)
    return redirect("phonebind_sandbox:faults")


@sandbox_view("GET", "POST", "DELETE")
def faults_json(request: HttpRequest) -> HttpResponse:
    """``{switch: value}`` of all switches. POST some of them to set them. POST ``{"reset": true}`` or DELETE to
    reset all.
    """
    try:
        changes = _read(request)
        if changes.get("reset") is True:
            del changes["reset"]
            faults.reset()
        faults.write(changes)
    except faults.NotAllowed as error:
        return _not_allowed(error)
    except Unreadable as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse(dict(faults.read()))


def _apps(provider: _Provider) -> list[conf.App]:
    return [app for app in conf.apps().values() if app.kind in provider.kinds]


def _ids(person: Person) -> list[tuple[str, str]]:
    """(client id, the person's id for this app)."""
    shown = [(provider.ids, app) for provider in PROVIDERS for app in _apps(provider)]
    return [(app.client_id, ids(person, app)) for ids, app in shown if ids]


def _sms(here: str) -> list[tuple[str, str, str]]:
    """(name, URL, credentials) of each SMS vendor."""
    [(access_key, access_secret)] = conf.ALIYUN_SECRETS.items()
    [(secret_id, secret_key)] = conf.CLOUD_SECRETS.items()
    [(sid, token)] = conf.YUNTONGXUN_TOKENS.items()
    return [
        ("aliyun-pnvs", f"{here}aliyun-pnvs/", f"{access_key} / {access_secret}"),
        ("aliyun", f"{here}aliyun/", f"{access_key} / {access_secret}"),
        ("tencent", f"{here}tencent-sms/", f"{secret_id} / {secret_key} / {conf.TENCENT_SMS_APP_ID}"),
        ("yuntongxun", f"{here}yuntongxun", f"{sid} / {token} / {conf.YUNTONGXUN_APP_ID}"),
        ("http", f"{here}http/", conf.HTTP_SMS_SECRET),
    ]


def _read(request: HttpRequest) -> dict[str, object]:
    if request.method == "GET":
        return {}
    if request.method == "DELETE":
        return {"reset": True}
    return read_object(request)


def _not_allowed(error: faults.NotAllowed) -> HttpResponse:
    return JsonResponse({"error": error.error, "allowed": error.allowed}, status=400)


def _rows() -> list[dict[str, object]]:
    """The switches for the template, each with its choices and its current value."""
    now = faults.read()
    return [
        {
            "switch": switch,
            "options": [
                (choice, _WORDS.get(switch.name, {}).get(value, ""), value == now[switch.name])
                for choice, value in switch.choices.items()
            ],
            "turned": now[switch.name] != switch.default,
        }
        for switch in faults.SWITCHES.values()
    ]


def _turned() -> list[str]:
    """The switches that do not have their first value, as ``name=value``."""
    now = faults.read()
    return [
        f"{name}={faults.text(now[name])}" for name, switch in faults.SWITCHES.items() if now[name] != switch.default
    ]
