"""Everything a person can choose, each part declared once. Listing it imports neither torch nor scikit-learn."""
