"""The tools with which a platform engineer operates a deployed stack: on AWS, or on this machine to try them."""
