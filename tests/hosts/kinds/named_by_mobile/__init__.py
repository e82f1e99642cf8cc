"""The mobile is USERNAME_FIELD, there is no username, and users cannot be disabled."""

PHONEBIND = {"MOBILE_FIELD": "phone"}
