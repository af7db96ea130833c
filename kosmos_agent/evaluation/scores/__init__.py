"""Scores of records, pure: the same records give the same figures whoever made them and where."""
