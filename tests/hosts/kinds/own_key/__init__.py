"""The primary key has another name."""

SETTINGS = {"SIMPLE_JWT": {"USER_ID_FIELD": "uid", "USER_ID_CLAIM": "uid"}}
