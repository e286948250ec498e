//! What people type: `curfew serve | demo | …`.
