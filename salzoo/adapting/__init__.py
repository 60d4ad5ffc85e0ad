"""A model for other pictures: few numbers behind it, fitted to few of them (``salzoo adapt``)."""
