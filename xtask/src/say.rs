//! Tells people what is going on: what a step does and how long it took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Does one step under its name and says how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("• {what} …");
    let start = Instant::now();
    let result = work();
    let word = if result.is_ok() { "done" } else { "failed" };
    println!("  {word} in {}", took(start.elapsed()));
    result
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub fn took(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else if seconds >= 10 {
        format!("{seconds} s")
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(took(Duration::from_millis(420)), "0.4 s");
        assert_eq!(took(Duration::from_millis(12_900)), "12 s");
        assert_eq!(took(Duration::from_secs(185)), "3 min 05 s");
    }
}
