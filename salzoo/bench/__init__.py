"""How fast salzoo is here: what ``salzoo bench`` measures. Nothing is imported here."""
