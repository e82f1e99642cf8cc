from django.urls import path

from shop import qq, views

urlpatterns = [
    path("", views.index, name="index"),
    path("account/", views.account, name="account"),
    path("account/qq/", qq.bind, name="bind_qq"),
    path("login/qq/callback/", qq.callback),
]
