"""A readable name for a device, from its user agent: "Chrome on Windows"."""

from django.utils.translation import gettext_lazy as _

#: (text in the user agent, name). The most specific is first: the browser of an app also claims to be Chrome or Safari.
BROWSERS = (
    ("MicroMessenger", _("WeChat")),
    ("AlipayClient", _("Alipay")),
    ("Weibo", _("Weibo")),
    (" QQ/", "QQ"),
    ("MQQBrowser", _("QQ Browser")),
    ("QQBrowser", _("QQ Browser")),
    ("DingTalk", _("DingTalk")),
    ("UCBrowser", "UC"),
    ("UBrowser", "UC"),
    ("Quark", _("Quark")),
    ("baidubox", _("Baidu")),
    ("MiuiBrowser", _("Xiaomi browser")),
    ("HuaweiBrowser", _("Huawei browser")),
    ("HeyTapBrowser", _("OPPO browser")),
    ("VivoBrowser", _("vivo browser")),
    ("SamsungBrowser", _("Samsung browser")),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def name(user_agent: str) -> str:
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser and system:
        return str(_("%(browser)s on %(system)s") % {"browser": browser, "system": system})
    return browser or system or str(_("Unknown device"))


def _first(known: tuple[tuple[str, object], ...], user_agent: str) -> str:
    return next((str(said) for word, said in known if word in user_agent), "")
