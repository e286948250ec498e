//! A signed file and everything that can be done to it.

use app::containment::wire::{
    AuditHead, Blocks, Report, ReportAbout, ReportEnding, ReportSession, ReportSystem, Watch,
};
use app::endings::wire::{EndingCounts, Outcome};
use app::sessions::wire::SessionKind;
use app::systems::wire::Health;
use app::wire::{SessionKey, SystemId, Timestamp};

use super::sign::{self, ReportKey};
use super::verify::{Intact, Refused, check, named_key};
use crate::keys::HashKey;

fn session(outcome: Outcome) -> ReportSession {
    ReportSession {
        system_id: SystemId::from("north"),
        system_name: "North".to_owned(),
        person: "Zoë “Z” \\ 林\n{\"about\": 1}".to_owned(),
        account: "zoe".to_owned(),
        person_doubt: None,
        kind: SessionKind::Web,
        id_ends_in: "9f3a".to_owned(),
        session_key: SessionKey("00112233445566778899aabbccddeeff".to_owned()),
        outcome: Some(outcome),
        detail: String::new(),
        asks: 1,
        asked_at: Some(Timestamp(1_900_000_001_000)),
        read_back_at: Some(Timestamp(1_900_000_002_000)),
        residual_until: None,
        returned_at: None,
        returned_through: None,
    }
}

fn report() -> Report {
    Report {
        about: ReportAbout {
            title: "Ending 12".to_owned(),
            ending_no: Some(12),
            subject_id: None,
            made_at: Timestamp(1_900_000_100_000),
            made_by: "Ada".to_owned(),
            portal: "Curfew Nord".to_owned(),
            address: "https://curfew.example.org".to_owned(),
            program: "curfew 0".to_owned(),
            whole: true,
            not_in_it: Vec::new(),
        },
        person: None,
        blocks: Blocks::default(),
        endings: vec![ReportEnding {
            ending_no: 12,
            asked_by_kind: "operator".to_owned(),
            asked_by: "Ada".to_owned(),
            reason: "Left".to_owned(),
            ticket_ref: String::new(),
            confirmed_at: Timestamp(1_900_000_000_000),
            settled_at: Some(Timestamp(1_900_000_002_000)),
            went_on_at: None,
            counts: EndingCounts {
                wanted: 2,
                ended: 1,
                still_there: 1,
                ..EndingCounts::default()
            },
            watch: Watch {
                until: None,
                over: false,
                returned: 0,
                words: String::new(),
            },
            residual_until: None,
            sessions: vec![session(Outcome::StillThere), session(Outcome::Ended)],
            sessions_not_listed: 0,
        }],
        systems: vec![ReportSystem {
            system_id: SystemId::from("north"),
            name: "North".to_owned(),
            kind: "simulator".to_owned(),
            simulated: true,
            health: Health::Live,
            last_complete_reading_at: Some(Timestamp(1_900_000_090_000)),
            trouble: None,
            ending_there: Vec::new(),
            cannot_be_seen: vec!["Not listed: guests.".to_owned()],
            as_read: Vec::new(),
            proven_at: None,
        }],
        audit: AuditHead {
            seq: Some(77),
            hash: Some("ab".repeat(32)),
            words: String::new(),
        },
    }
}

fn key(byte: u8) -> ReportKey {
    ReportKey::new(&HashKey::new([byte; 32]))
}

fn signed_by(key: &ReportKey, report: &Report) -> String {
    sign::file(&sign::parts(report).unwrap(), key).unwrap()
}

fn file() -> String {
    signed_by(&key(1), &report())
}

fn checked(text: &str) -> Result<Intact, Refused> {
    check(text.as_bytes())
}

/// The file with one thing in it replaced.
fn with(from: &str, to: &str) -> String {
    let file = file();
    assert!(file.contains(from), "{from} is not in {file}");
    file.replacen(from, to, 1)
}

#[test]
fn a_signed_report_is_json_that_a_person_reads_and_anybody_checks() {
    let file = file();
    let intact = checked(&file).unwrap();
    assert_eq!(intact.fingerprint, key(1).fingerprint());
    assert_eq!(intact.about["title"], "Ending 12");
    let value: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(value["endings"][0]["sessions"][0]["outcome"], "still_there");
    assert_eq!(
        value["systems"][0]["last_complete_reading_at"],
        "2030-03-17T17:48:10.000Z"
    );
    for readable in [
        "\n  \"about\": {\n    \"title\": \"Ending 12\",\n",
        "\"read_back_at\": \"2030-03-17T17:46:42.000Z\"",
        "\"reason\": \"Left\"",
    ] {
        assert!(file.contains(readable), "{readable} is not in {file}");
    }
    // RFC 8032, test 1: this secret has this public key.
    let secret = HashKey::new(
        data_encoding::HEXLOWER
            .decode(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
            .unwrap()
            .try_into()
            .unwrap(),
    );
    let public = data_encoding::BASE64
        .decode(ReportKey::new(&secret).public().as_bytes())
        .unwrap();
    assert_eq!(
        data_encoding::HEXLOWER.encode(&public[12..]),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
}

#[test]
fn what_was_changed_is_refused_by_the_name_of_its_part() {
    let changed = |text: String| match checked(&text) {
        Err(Refused::Changed(parts)) => parts.join(" "),
        other => panic!("not refused as changed: {other:?}\n{text}"),
    };
    for (from, to, part) in [
        ("\"still_there\"", "\"ended\"", "endings"),
        ("17:46:42.000Z", "17:46:41.000Z", "endings"),
        ("\"still_there\": 1", "\"still_there\": 0", "endings"),
        ("\"seq\": 77", "\"seq\": 76", "audit"),
        ("\"hash\": \"ab", "\"hash\": \"ac", "audit"),
        ("\"title\": \"Ending 12\"", "\"title\": \"Ending 13\"", "about"),
        ("\"whole\": true", "\"whole\": false", "about"),
        ("\"person\": null", "\"person\": {}", "person"),
        ("\"made\": []", "\"made\": [1]", "blocks"),
        ("17:48:10.000Z", "17:49:10.000Z", "systems"),
        // The same content, written otherwise: what is signed are bytes.
        ("\"made\": []", "\"made\": [ ]", "blocks"),
        ("\"Left\"", "\"\\u004ceft\"", "endings"),
    ] {
        assert_eq!(changed(with(from, to)), part, "{from} → {to}");
    }
    let both = with("\"seq\": 77", "\"seq\": 76").replacen("\"Left\"", "\"Lost\"", 1);
    assert_eq!(changed(both), "endings audit");
    // A session taken out of it.
    let mut less = report();
    less.endings[0].sessions.remove(0);
    let less = sign::file(&sign::parts(&less).unwrap(), &key(1)).unwrap();
    let (content, _) = less.split_once("\"signature\"").unwrap();
    let file = file();
    let (_, signature) = file.split_once("\"signature\"").unwrap();
    assert_eq!(changed(format!("{content}\"signature\"{signature}")), "endings");
}

#[test]
fn no_byte_of_a_file_can_be_changed() {
    let file = file();
    for at in 0..file.len() {
        let mut bytes = file.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        assert!(check(&bytes).is_err(), "byte {at} of {file}");
    }
    for at in 0..file.len() - 1 {
        let cut = check(&file.as_bytes()[..at]);
        assert!(
            matches!(cut, Err(Refused::CutOff(_) | Refused::Odd(_))),
            "cut at {at}: {cut:?}"
        );
    }
    let half = checked(&file[..file.len() / 2]).unwrap_err();
    assert!(matches!(half, Refused::CutOff(_)), "{half:?}");
    assert!(half.to_string().contains("not whole"));
}

#[test]
fn another_key_is_told_by_its_fingerprint_and_never_fits_by_half() {
    let refused = |text: String| match checked(&text) {
        Err(Refused::Signature(words)) => words,
        other => panic!("not refused: {other:?}"),
    };
    let (own, other) = (key(1), key(2));
    // The key alone, with and without its fingerprint.
    refused(with(&own.public(), &other.public()));
    refused(with(&own.public(), &other.public()).replace(own.fingerprint(), other.fingerprint()));
    refused(with(own.fingerprint(), other.fingerprint()));
    // Content of one report under the signature of another.
    let mut elsewhere = report();
    elsewhere.audit.seq = Some(78);
    let foreign = signed_by(&own, &elsewhere);
    let (_, signature) = foreign.split_once("\"signature\"").unwrap();
    let file = file();
    let (content, _) = file.split_once("\"signature\"").unwrap();
    let mixed = checked(&format!("{content}\"signature\"{signature}"));
    assert!(matches!(mixed, Err(Refused::Changed(parts)) if parts == ["audit"]));
    // Whoever signs anew with a key of their own has an intact file, by another fingerprint.
    let forged = checked(&signed_by(&other, &elsewhere)).unwrap();
    assert_eq!(forged.fingerprint, other.fingerprint());
    assert_ne!(forged.fingerprint, own.fingerprint());
    // A key of small order lets everything through where it is not looked at.
    let zero = data_encoding::BASE64.encode(&[sign::SPKI.as_slice(), &[0; 32]].concat());
    refused(with(&own.public(), &zero).replace(own.fingerprint(), &sign::fingerprint(&[0; 32])));
    // A JWS that says that nothing is signed.
    let none = data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"curfew-report"}"#);
    let header = data_encoding::BASE64URL_NOPAD.encode(sign::HEADER.as_bytes());
    refused(with(&header, &none));
}

#[test]
fn odd_files_are_named_as_what_they_are() {
    let said = |bytes: &[u8]| check(bytes).unwrap_err().to_string();
    assert!(said(b"").contains("not whole"));
    assert!(said(b"{}").contains("no containment report"));
    assert!(said(b"[1, 2]").contains("no containment report"));
    assert!(said(b"\x89PNG\r\n").contains("no text in UTF-8"));
    assert!(said("\u{feff}{}".as_bytes()).contains("no containment report"));
    assert!(said(br#"{"curfew_report": 2, "news": []}"#).contains("version 2"));
    let newer = with("\"curfew_report\": 1", "\"curfew_report\": 2");
    assert!(said(newer.as_bytes()).contains("version 2"));
    let more = with("\n  \"person\"", "\n  \"note\": 1,\n  \"person\"");
    assert!(said(more.as_bytes()).contains("unknown field `note`"));
    let twice = with(
        "\n  \"person\"",
        "\n  \"about\": {\"title\": \"x\"},\n  \"person\"",
    );
    assert!(said(twice.as_bytes()).contains("duplicate field `about`"));
    let less = with("\n  \"person\": null,", "");
    assert!(said(less.as_bytes()).contains("missing field `person`"));
    assert!(said(format!("{}x", file()).as_bytes()).contains("no containment report"));
    // Blank lines around it are nobody's content.
    assert!(checked(&format!("\n{}\n\n", file())).is_ok());
}

#[test]
fn a_key_is_named_by_its_fingerprint_or_its_file() {
    let key = key(1);
    let wanted = Some(key.fingerprint().to_owned());
    let groups: Vec<String> = key
        .fingerprint()
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).to_uppercase())
        .collect();
    for text in [
        key.fingerprint().to_owned(),
        groups.join(" "),
        groups.join(":"),
        format!(" {}\n", key.fingerprint()),
        key.pem(),
        format!("Fingerprint: {}\n{}", key.fingerprint(), key.pem()),
    ] {
        assert_eq!(named_key(&text), wanted, "{text}");
    }
    for text in [
        "",
        "abcd",
        "keys/portal.pem",
        &key.fingerprint()[..62],
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END",
    ] {
        assert_eq!(named_key(text), None, "{text}");
    }
}
