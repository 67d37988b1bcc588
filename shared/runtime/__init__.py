"""What is around every invocation, whatever it is about."""
