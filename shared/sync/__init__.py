"""What the parts of the re-sync share: the message, the queue, and the database functions made for it."""
