"""The waist behind Platform: what its verbs do with store, transport, destination and engine."""
