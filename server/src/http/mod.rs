//! HTTP: the only room that knows it. Nobody sees this one.
