"""The composition root: builds everything, starts both listeners, stops in phases."""
