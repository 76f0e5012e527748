"""Generated attacks: every field of every route that can name an object, aimed at another team's objects."""
