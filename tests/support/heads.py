"""The headers of a browser's request, and the CGI variables that they become."""

import random
from collections.abc import Mapping
from urllib.parse import quote, unquote

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
_HAN = "".join(chr(0x4E00 + 97 * n % 20_000) for n in range(170))

#: The longest ``next`` of each kind, which cannot be compressed: letters, Chinese, and percent-encoded Chinese.
LONGEST = (
    "/" + "".join(random.Random(1).choices(_LETTERS, k=511)),
    "/" + _HAN[:79],
    "/" + quote(_HAN)[:429],
)

#: The headers of WeChat on Android, which has the longest User-Agent in common use.
BROWSER: Mapping[str, str] = {
    "Host": "shop.example",
    "Connection": "keep-alive",
    "Cache-Control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24", "Android WebView";v="140"',
    "sec-ch-ua-mobile": "?1",
    "sec-ch-ua-platform": '"Android"',
    "Origin": "https://shop.example",
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": (
        "Mozilla/5.0 (Linux; Android 14; V2304A Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/140.0.0.0 Mobile Safari/537.36 XWEB/1400117 MMWEBSDK/20260404 MMWEBID/8833 "
        "MicroMessenger/8.0.69.2600(0x28003133) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64"
    ),
    "Accept": (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7"
    ),
    "X-Requested-With": "com.tencent.mm",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7",
}


def as_cgi(method: str, url: str, cookies: str = "", **more: str) -> dict[str, str]:
    """The variables for a browser's request, as nginx and uWSGI write them."""
    path, _, query = url.partition("?")
    headers = {**BROWSER, **more, **({"Cookie": cookies} if cookies else {})}
    return {
        "REQUEST_METHOD": method,
        "REQUEST_URI": url,
        "PATH_INFO": unquote(path),
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "443",
        "REMOTE_ADDR": "203.0.113.114",
        "REMOTE_PORT": "51234",
        "DOCUMENT_ROOT": "/usr/share/nginx/html",
        "REQUEST_SCHEME": "https",
        "HTTPS": "on",
        "CONTENT_TYPE": "application/x-www-form-urlencoded" if method == "POST" else "",
        "CONTENT_LENGTH": "1000" if method == "POST" else "",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
