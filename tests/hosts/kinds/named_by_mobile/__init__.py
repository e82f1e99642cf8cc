"""The mobile is USERNAME_FIELD, there is no username, and nobody can be disabled."""

PHONEBIND = {"MOBILE_FIELD": "phone"}
