"""Drop two of PostgreSQL's indexes on users, 63 bytes of each row.

For a unique text field Django makes a second index, for ``startswith`` queries. No code here uses them: people are
found by their whole username or mobile, and the admin's search is a ``LIKE '%...%'``, for which such an index is
useless.
"""

from django.db import migrations

_FIELDS = ("username", "mobile")


def _drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("users", "User")._meta.db_table
    for name in _FIELDS:
        index = schema_editor._create_index_name(table, [name], suffix="_like")
        # Concurrently: a plain DROP waits for transactions that read users, and blocks all later ones meanwhile.
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index)}")


def _make(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    user = apps.get_model("users", "User")
    for name in _FIELDS:
        schema_editor.execute(schema_editor._create_like_index_sql(user, user._meta.get_field(name)))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("users", "0001_initial"),
    ]

    operations = [migrations.RunPython(_drop, _make)]
