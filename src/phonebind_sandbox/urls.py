from django.urls import URLPattern, URLResolver, include, path

from . import alipay, altcha, apple, inbox, number_state, oidc, one_tap, pages, qq, sdk, tencent, wechat, weibo
from .sms import aliyun, aliyun_pnvs, webhook, yuntongxun
from .sms import tencent as tencent_sms

app_name = "phonebind_sandbox"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.index, name="index"),
    path("qq/oauth2.0/authorize", qq.authorize, name="qq_authorize"),
    path("qq/oauth2.0/token", qq.token, name="qq_token"),
    path("qq/oauth2.0/me", qq.me, name="qq_me"),
    path("qq/user/get_user_info", qq.get_user_info, name="qq_get_user_info"),
    path("wechat/", include(wechat.urlpatterns)),
    path("alipay/", include(alipay.urlpatterns)),
    *weibo.urlpatterns,
    *apple.urlpatterns,
    *oidc.urlpatterns,
    *sdk.urlpatterns,
    path("tencent/", tencent.api, name="tencent_api"),
    path("tencent/TJCaptcha.js", tencent.script, name="tencent_script"),
    path("tencent/ticket.js", tencent.ticket, name="tencent_ticket"),
    path("sms/", inbox.sms, name="sms"),
    path("aliyun/", aliyun.api, name="aliyun"),
    path("aliyun-pnvs/", aliyun_pnvs.api, name="aliyun_pnvs"),
    path("tencent-sms/", tencent_sms.api, name="tencent_sms"),
    path("yuntongxun/2013-12-26/Accounts/<str:sid>/SMS/TemplateSMS", yuntongxun.template_sms, name="yuntongxun_sms"),
    path("yuntongxun/2013-12-26/Accounts/<str:sid>/AccountInfo", yuntongxun.account_info, name="yuntongxun_account"),
    path("http/", webhook.send, name="http"),
    path("number-state/", include(number_state.urlpatterns)),
    path("one-tap/", include(one_tap.urlpatterns)),
    path("inbox/", inbox.inbox_page, name="inbox"),
    path("inbox.json", inbox.inbox_json, name="inbox_json"),
    path("image_codes/<str:image_code_id>.json", inbox.image_code, name="image_code"),
    path("altcha.json", altcha.solve, name="altcha"),
    path("faults/", pages.faults_page, name="faults"),
    path("faults.json", pages.faults_json, name="faults_json"),
]
