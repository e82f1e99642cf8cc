"""The user inherits from another table, which has all columns except the mobile."""
