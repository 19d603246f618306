"""HTTP only: routes, answers and errors of the service."""
