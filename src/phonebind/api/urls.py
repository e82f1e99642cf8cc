"""The URLs: those of ``FRONT_END`` first, then those of the contract, below the host's prefix."""

from django.urls import path

from phonebind.api import authorizations, codes, dialects, mobile_proofs, oauth, receipts

app_name = "phonebind"

urlpatterns = [
    *dialects.routes(),
    path("oauth/", oauth.WaysView.as_view(), name="ways"),
    path("oauth/<str:provider>/authorization/", oauth.AuthorizationView.as_view(), name="authorization"),
    path("oauth/<str:provider>/user/", oauth.OAuthUserView.as_view(), name="oauth_user"),
    path("oauth/<str:provider>/native/", oauth.NativeView.as_view(), name="native"),
    path("image_codes/<str:image_code_id>/", codes.ImageCodeView.as_view(), name="image_code"),
    path("human_checks/<str:mobile>/", codes.HumanCheckView.as_view(), name="human_check"),
    path("sms_codes/<str:mobile>/", codes.SmsCodeView.as_view(), name="sms_code"),
    path("mobile_proofs/", mobile_proofs.MobileProofView.as_view(), name="mobile_proof"),
    path("sms_receipts/<str:receipt>/", receipts.SmsReceiptView.as_view(), name="sms_receipt"),
    path("sms_receipts/<str:gateway>/<str:secret>/", receipts.VendorReceiptView.as_view(), name="vendor_receipts"),
    path("authorizations/", authorizations.PasswordView.as_view(), name="password"),
    path("authorizations/refresh/", authorizations.RefreshView.as_view(), name="refresh"),
]
