"""QQ for allauth, at the bench's stub."""
