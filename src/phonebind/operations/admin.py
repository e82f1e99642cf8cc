"""What Django's admin looks for."""

from phonebind.operations import webhook_admin

__all__ = ["webhook_admin"]
