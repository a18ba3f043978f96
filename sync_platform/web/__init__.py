"""The web face: pages for people, an API for programs. Reads a request, calls one verb, answers."""
