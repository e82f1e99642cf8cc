"""The URLs of the pages, relative to where the host includes them."""

from django.urls import path

from phonebind.pages import views
from phonebind.pages.attach import attach
from phonebind.pages.bind import bind

app_name = "phonebind_pages"

urlpatterns = [
    path("login/", views.login, name="login"),
    path("login/done/", views.done, name="done"),
    path("login/images/<uuid:image_code_id>/", views.image_code, name="image_code"),
    path("login/<str:provider>/", views.start, name="start"),
    path("login/<str:provider>/callback/", views.callback, name="callback"),
    path("login/<str:provider>/bind/<str:flow>/", bind, name="bind"),
    path("login/<str:provider>/attach/<str:flow>/", attach, name="attach"),
    path("logout/", views.logout, name="logout"),
]
