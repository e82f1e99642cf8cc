"""The mobile is stored with the country code +86."""

PHONEBIND = {"MOBILE_FORMAT": "+86{}"}
