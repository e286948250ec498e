//! Systems: what is connected, how it is, when it was read.
