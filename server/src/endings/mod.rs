//! Endings: from one operator's click to an outcome for every session.
