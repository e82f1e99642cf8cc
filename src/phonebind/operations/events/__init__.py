"""Events: rows that operators can search until they are pruned."""
