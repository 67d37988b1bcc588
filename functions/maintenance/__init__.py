"""What has had its time goes."""
