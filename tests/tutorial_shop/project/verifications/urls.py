from django.urls import path

from verifications import views

urlpatterns = [
    path("image_codes/<str:image_code_id>/", views.ImageCodeView.as_view()),
    path("sms_codes/<str:mobile>/", views.SmsCodeView.as_view()),
    path("sms_codes/", views.SmsCodeByTokenView.as_view()),
]
