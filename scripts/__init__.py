"""What people run: one verb a file."""
