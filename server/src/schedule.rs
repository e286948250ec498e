//! Wakes the rooms' background work and holds their leases; knows no room by name.
