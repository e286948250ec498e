//! Policies: the limits of systems and of Curfew's own sessions.
