//! The portal: everything put together. The only file that knows everyone.
