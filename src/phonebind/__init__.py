"""Sign in with QQ, WeChat, Weibo, Alipay, Apple or OpenID Connect, ending in a phone-verified account, for Django."""

__version__ = "1.0.0"
