"""Emulated SMS vendors. Each vendor has one file with its request and response formats."""
