"""What keeps the server running well: event-loop lag, certificates, log format."""
