"""What this app has in the admin. Django imports this file; the pages are in files of their own."""

from phonebind.operations import charts_admin

__all__ = ["charts_admin"]
