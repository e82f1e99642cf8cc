"""The user inherits from another table, where all of it lies but the mobile."""
