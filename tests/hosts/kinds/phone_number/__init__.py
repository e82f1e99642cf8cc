"""The mobile is a field of django-phonenumber-field."""

PHONEBIND = {"MOBILE_FORMAT": "+86{}"}
SETTINGS = {"PHONENUMBER_DEFAULT_REGION": "CN"}
