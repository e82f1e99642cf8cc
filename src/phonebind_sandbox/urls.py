from django.urls import path

from . import altcha, inbox, pages, qq, tencent

app_name = "phonebind_sandbox"

urlpatterns = [
    path("", pages.index, name="index"),
    path("qq/oauth2.0/authorize", qq.authorize, name="qq_authorize"),
    path("qq/oauth2.0/token", qq.token, name="qq_token"),
    path("qq/oauth2.0/me", qq.me, name="qq_me"),
    path("qq/user/get_user_info", qq.get_user_info, name="qq_get_user_info"),
    path("tencent/", tencent.api, name="tencent_api"),
    path("tencent/TJCaptcha.js", tencent.script, name="tencent_script"),
    path("tencent/ticket.js", tencent.ticket, name="tencent_ticket"),
    path("sms/", inbox.sms, name="sms"),
    path("inbox/", inbox.inbox_page, name="inbox"),
    path("inbox.json", inbox.inbox_json, name="inbox_json"),
    path("image_codes/<str:image_code_id>.json", inbox.image_code, name="image_code"),
    path("altcha.json", altcha.solve, name="altcha"),
    path("faults/", pages.faults_page, name="faults"),
    path("faults.json", pages.faults_json, name="faults_json"),
]
