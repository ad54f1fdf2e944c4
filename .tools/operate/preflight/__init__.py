"""`make preflight`: everything that AWS can say about a deployment before anything is created."""
