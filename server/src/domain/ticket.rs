//! What Tableau's answer to a request for a trusted ticket is. It comes as plain text with status 200, whatever it is.

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A ticket, byte for byte.
    Ticket(&'a str),
    /// `-1`: Tableau does not say why (docs/broker.md lists four causes).
    Refused,
    /// A web page: something in front of Tableau, or its sign-in page.
    Html,
    /// A status other than 200.
    Status(u16),
    /// Nothing in it.
    Empty,
    /// None of these.
    Unknown,
}

/// Tells what an answer is; `html` = it called itself a web page. The order matters: docs/broker.md, "What Tableau
/// answers".
pub fn classify(status: u16, html: bool, body: &[u8]) -> Reply<'_> {
    if status != 200 {
        return Reply::Status(status);
    }
    let body = body.trim_ascii();
    if body.is_empty() {
        return Reply::Empty;
    }
    let says_html = || body.windows(5).any(|bytes| bytes.eq_ignore_ascii_case(b"<html"));
    if html || body.starts_with(b"<") || says_html() {
        return Reply::Html;
    }
    match std::str::from_utf8(body) {
        Ok("-1") => Reply::Refused,
        Ok(text) if is_ticket(text) => Reply::Ticket(text),
        _ => Reply::Unknown,
    }
}

/// The shapes of tickets: since 10.2 `Base64(UUID):random`, before and in compatibility mode one string of 9 to 255.
fn is_ticket(text: &str) -> bool {
    let random = |text: &str| {
        (9..=255).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    match text.split_once(':') {
        None => random(text),
        Some((id, rest)) => {
            let id = id.strip_suffix("==").unwrap_or(id);
            id.len() == 22
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+/_-".contains(&b))
                && random(rest)
        }
    }
}

/// A ticket as a part of a path: kept byte for byte but for what would end the part or be read as something else.
pub fn in_path(ticket: &str) -> String {
    ticket
        .chars()
        .map(|c| match c {
            '/' => "%2F".to_owned(),
            '+' => "%2B".to_owned(),
            '%' => "%25".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_pages_and_refusals_are_told_apart() {
        let two_parts = "AAAAAAAAAAAAAAAAAAAAAA==:BBBBBBBBBBBBBBBBBBBBBBBB";
        for ticket in [
            two_parts,
            "AAAA+AAAA/AAAAAAAAAAAA==:BBBBBBBBBBBBBBBBBBBBBBBB",
            "AA_A-AAAAAAAAAAAAAAAAA:BBBBBBBBB",
            "k3Vq8ZsT1mXb7RfYc5NdLw2H",
            "123456789",
            &"x".repeat(255),
        ] {
            assert_eq!(
                classify(200, false, ticket.as_bytes()),
                Reply::Ticket(ticket),
                "{ticket}"
            );
        }
        let trimmed = format!("\r\n{two_parts} \n");
        assert_eq!(classify(200, false, trimmed.as_bytes()), Reply::Ticket(two_parts));
        for (status, html, body, is) in [
            (500, false, two_parts, Reply::Status(500)),
            (302, false, "", Reply::Status(302)),
            (201, false, two_parts, Reply::Status(201)),
            (200, false, "", Reply::Empty),
            (200, true, "", Reply::Empty),
            (200, false, " \n", Reply::Empty),
            (200, true, two_parts, Reply::Html),
            (200, true, "-1", Reply::Html),
            (200, false, "  <!DOCTYPE html>", Reply::Html),
            (200, false, "moved <HTML>", Reply::Html),
            (200, false, "-1", Reply::Refused),
            (200, false, "-1\n", Reply::Refused),
            (200, false, "-2", Reply::Unknown),
            (200, false, "12345678", Reply::Unknown),
            (200, false, "not a ticket", Reply::Unknown),
            (
                200,
                false,
                "AAAAAAAAAAAAAAAAAAAAA==:BBBBBBBBBBBBBBBB",
                Reply::Unknown,
            ),
            (
                200,
                false,
                "AAAAAAAAAAAAAAAAAAAAAA==:B/BBBBBBBBBBB",
                Reply::Unknown,
            ),
            (200, false, "{\"ticket\":\"123456789\"}", Reply::Unknown),
        ] {
            assert_eq!(classify(status, html, body.as_bytes()), is, "{status} {body}");
        }
        let long = "x".repeat(256);
        assert_eq!(classify(200, false, long.as_bytes()), Reply::Unknown);
        assert_eq!(classify(200, false, b"\xff\xfe123456789"), Reply::Unknown);
    }

    #[test]
    fn a_ticket_in_a_path_keeps_its_place() {
        assert_eq!(in_path("a+/%==:b-_"), "a%2B%2F%25==:b-_");
    }
}
