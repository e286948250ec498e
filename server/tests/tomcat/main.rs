//! What real Tomcats and Jolokias answer, asked with no connector in between: what the connector may rely on.
//!
//! Each test can be run alone: `cargo xtask test rust tomcat_`. The servers come from [`farm`].

mod farm;
mod wire;
