"""A QQ provider for allauth that uses the bench's stub."""
