//! What takes longer to get than every run can wait for: `cargo xtask test --matrix rust tomcat_`.

mod actuator;
mod boot;
#[expect(dead_code, unused_imports, reason = "Spring Boot brings a Tomcat of its own")]
mod farm;
mod fixture;
