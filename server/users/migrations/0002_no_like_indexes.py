"""Drop two of PostgreSQL's indexes on users, 63 bytes of each row.

For a unique text Django makes a second index, by which ``startswith`` is looked up, and nothing here does that: people
are found by their whole username or mobile, and the admin's search is a ``LIKE '%...%'`` that no such index helps.
"""

from django.db import migrations

_FIELDS = ("username", "mobile")


def _drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("users", "User")._meta.db_table
    for name in _FIELDS:
        index = schema_editor._create_index_name(table, [name], suffix="_like")
        # Concurrently, since a plain one waits for whoever reads users, and whoever comes next waits for it.
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
