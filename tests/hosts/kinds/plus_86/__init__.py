"""The mobile is stored with its country's prefix."""

PHONEBIND = {"MOBILE_FORMAT": "+86{}"}
