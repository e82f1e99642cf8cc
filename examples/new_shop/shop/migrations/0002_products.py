from django.db import migrations

PRODUCTS = [
    ("西湖龙井 100 g", "168.00"),
    ("安溪铁观音 250 g", "98.00"),
    ("云南普洱 357 g", "128.00"),
    ("青瓷盖碗", "59.00"),
    ("紫砂壶 200 ml", "268.00"),
    ("竹茶盘", "45.00"),
]


def fill(apps, schema_editor):
    Product = apps.get_model("shop", "Product")
    Product.objects.bulk_create(Product(name=name, price=price) for name, price in PRODUCTS)


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
