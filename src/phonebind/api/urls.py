"""The contract's paths, below wherever the host includes them."""

from django.urls import path

from phonebind.api import views

app_name = "phonebind"

urlpatterns = [
    path("oauth/<str:provider>/authorization/", views.AuthorizationView.as_view(), name="authorization"),
    path("oauth/<str:provider>/user/", views.OAuthUserView.as_view(), name="oauth_user"),
    path("image_codes/<str:image_code_id>/", views.ImageCodeView.as_view(), name="image_code"),
    path("human_checks/<str:mobile>/", views.HumanCheckView.as_view(), name="human_check"),
    path("sms_codes/<str:mobile>/", views.SmsCodeView.as_view(), name="sms_code"),
    path("authorizations/", views.PasswordView.as_view(), name="password"),
    path("authorizations/refresh/", views.RefreshView.as_view(), name="refresh"),
]
