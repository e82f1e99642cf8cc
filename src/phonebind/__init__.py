"""Sign in with QQ, ending in a phone-verified account, for Django."""

__version__ = "0.1.0"
