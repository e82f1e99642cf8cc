from django.urls import path

from users import emails, views

urlpatterns = [
    path("users/", views.UserView.as_view()),
    path("user/", views.UserDetailView.as_view()),
    path("usernames/<str:username>/count/", views.UsernameCountView.as_view()),
    path("mobiles/<str:mobile>/count/", views.MobileCountView.as_view()),
    path("authorizations/", views.UserAuthorizeView.as_view()),
    path("accounts/<str:account>/sms/token/", views.SmsTokenView.as_view()),
    path("accounts/<str:account>/password/token/", views.PasswordTokenView.as_view()),
    path("users/<int:pk>/password/", views.PasswordView.as_view()),
    path("email/", emails.EmailView.as_view()),
    path("emails/verification/", emails.VerifyEmailView.as_view()),
]
