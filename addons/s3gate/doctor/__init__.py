"""Is everything in place? Each check tries one thing for real, in bounded time, and names the next step."""
