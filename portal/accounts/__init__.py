"""Staff: profiles, where they work, their training, and the lists they are imported from."""
