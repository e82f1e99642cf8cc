"""The command ``phonebind-sandbox``, same as ``python -m phonebind_sandbox``: start the server, print its URLs, and
serve until a signal ends it.

Exit code: 0 after a signal, 1 if it cannot listen, 2 for an invalid flag.
"""

import signal
import sys
import threading
from contextlib import suppress

from django.urls import reverse

from . import alone, conf, flags

WELCOME = """\
The sandbox runs on {here}  (for development only: it signs in anyone as anyone)

  Open              {here}  who can sign in, and all addresses
  Break things      {here}faults/
  SMS inbox         {here}inbox/  and {here}inbox.json?mobile=13800000001
  Send an SMS       curl {here}sms/ -d '{{"mobile": "13800000001", "text": "code 482913"}}'

For the configuration of the client:

  authorize         {here}qq/oauth2.0/authorize
  token             {here}qq/oauth2.0/token
  openid            {here}qq/oauth2.0/me
  profile           {here}qq/user/get_user_info
{apps}
  Weibo             {here}weibo in place of https://api.weibo.com
{weibo}
  WeChat            {here}wechat in place of https://open.weixin.qq.com and https://api.weixin.qq.com
  Alipay            {here}alipay in place of https://openapi.alipay.com and https://openauth.alipay.com
  Apple             {here}apple in place of https://appleid.apple.com
  OpenID Connect    issuer {here}oidc
  one tap           {here}one-tap/aliyun/ and {here}one-tap/tencent/v5/rapidauth/validate
                    the first page has the apps of these, and what plays their SDKs
  redirect_uri      {redirect_uris}
  Tencent captcha   endpoint {here}tencent/
                    script {here}tencent/TJCaptcha.js
                    CaptchaAppId {conf.CAPTCHA_APP_ID}, AppSecretKey {conf.CAPTCHA_SECRET_KEY}
                    SecretId {cloud[0]}, SecretKey {cloud[1]}

SMS vendors, each at its address, with what its customer is known by:

  aliyun-pnvs       {here}aliyun-pnvs/
  aliyun            {here}aliyun/
                    AccessKey ID {aliyun[0]}, secret {aliyun[1]}
  tencent           {here}tencent-sms/
                    SecretId and SecretKey as above, SmsSdkAppId {conf.TENCENT_SMS_APP_ID}
  yuntongxun        {here}yuntongxun
                    ACCOUNT SID {yuntongxun[0]}, AUTH TOKEN {yuntongxun[1]}, appId {conf.YUNTONGXUN_APP_ID}
  http              {here}http/
                    secret {conf.HTTP_SMS_SECRET}
{receipts}
Ctrl-C ends it.
"""


def main() -> None:
    given = flags.read(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        alone.start_django(alone.project(apps=given.apps, names=given.names, receipts=given.receipts))
        with _listen(given) as server:
            sys.stdout.write(_welcome(given, server.server_port))
            sys.stdout.flush()
            _end_on_signals(server)
            server.serve_forever()


def _end_on_signals(server: alone.Server) -> None:
    """From now on a signal asks the server to stop. A handler that raises would be unreliable: Python ignores
    exceptions in some places, and the signal would be lost.
    """

    def end(*args: object) -> None:
        # shutdown() waits until the server has stopped. The thread of this handler runs the server, so another thread
        # calls it.
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _listen(given: flags.Flags) -> alone.Server:
    try:
        return alone.listen(given.host, given.port)
    except OSError as error:
        place = f"{given.host}, port {given.port}"
        sys.exit(f"{flags.PROGRAM}: cannot listen on {place}: {error.strerror}. --host and --port choose another.")


def _welcome(given: flags.Flags, port: int) -> str:
    # A browser cannot open 0.0.0.0. If other machines use the sandbox, they have a name for this one.
    host = (given.names[1:] or given.names)[0]
    host = "127.0.0.1" if host in {"0.0.0.0", "[::]"} else host  # noqa: S104
    return WELCOME.format(
        here=f"http://{host}:{port}{reverse('phonebind_sandbox:index')}",
        apps=_apps("qq", "qq_app"),
        weibo=_apps("weibo"),
        redirect_uris=f"\n{' ' * 20}".join(given.redirect_uris)
        or "any of this machine: on localhost, or a name that leads here",
        cloud=next(iter(conf.CLOUD_SECRETS.items())),
        aliyun=next(iter(conf.ALIYUN_SECRETS.items())),
        yuntongxun=next(iter(conf.YUNTONGXUN_TOKENS.items())),
        receipts="".join(f"  receipts          {vendor} -> {url}\n" for vendor, url in given.receipts.items()),
        conf=conf,
    )


def _apps(*kinds: str) -> str:
    return "\n".join(_app(app) for kind in kinds for app in conf.apps(kind).values())


def _app(app: conf.App) -> str:
    label = f"client_id {app.client_id}, client_secret {app.secret}"
    name = "app with QQ's SDK" if app.kind == "qq_app" else "app"
    return f"  {name:<18}{label}{'' if app.unionid or app.kind == 'weibo' else '  (without unionid)'}"
