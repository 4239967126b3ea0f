//! squawk for comparison: the pinned binary of its npm package, run directly.
