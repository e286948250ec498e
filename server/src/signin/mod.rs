//! Signing in to the portal, and its own sessions.
