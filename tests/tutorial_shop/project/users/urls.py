from django.urls import path

from users import views

urlpatterns = [
    path("users/", views.UserView.as_view()),
    path("user/", views.UserDetailView.as_view()),
    path("usernames/<str:username>/count/", views.UsernameCountView.as_view()),
    path("mobiles/<str:mobile>/count/", views.MobileCountView.as_view()),
    path("authorizations/", views.UserAuthorizeView.as_view()),
    path("accounts/<str:account>/sms/token/", views.SmsTokenView.as_view()),
]
