//! Numbers as people read them.

use crate::wire::Count;

/// `4213` as "4,213".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count, honest about where counting stopped: "10,000+".
pub fn count_text(count: Count) -> String {
    match count {
        Count::Exactly(number) => thousands(number),
        Count::MoreThan(number) => format!("{}+", thousands(number)),
    }
}

/// "1 session", "37 sessions".
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (184_302, "184,302"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn ui_b6_a_capped_count_says_so() {
        assert_eq!(count_text(Count::MoreThan(10_000)), "10,000+");
        assert_eq!(count_text(Count::Exactly(10_000)), "10,000");
        assert_eq!(counted(1, "person", "people"), "1 person");
        assert_eq!(counted(0, "person", "people"), "0 people");
    }
}
