//! "Something changed, topic X": one row per topic, bumped in the transaction of the change.
