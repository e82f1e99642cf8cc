"""The mobile is the primary key."""

SETTINGS = {"SIMPLE_JWT": {"USER_ID_FIELD": "mobile"}}
