import secrets

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):
    def generate_unique_username(self, txts, regex=None):
        """allauth makes the name from the address. 13900000001@example.com would get the name of that mobile number."""
        return f"mail_{secrets.token_hex(8)}"
