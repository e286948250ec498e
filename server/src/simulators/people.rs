//! People who do not exist, with names as they really come: many scripts, both directions, long ones, hostile ones.

/// A person of the simulated estate; the same in every system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Account id, opaque.
    pub account_id: String,
    /// User name.
    pub account: String,
    /// Name as shown.
    pub name: String,
    /// Mail.
    pub email: Option<String>,
}

/// Names that break careless pages, and the people of the pictures.
const SPECIAL: [(&str, &str); 24] = [
    ("p.raghunathan", "Priya Raghunathan"),
    (
        "m.hohenlohe",
        "Maximiliane Freifrau von Hohenlohe-Waldenburg-Schillingsfürst",
    ),
    ("yamada.t", "山田 太郎"),
    ("m.alhusseini", "محمد عبد الرحمن الحسيني"),
    ("break-glass", "Break-glass administrator"),
    ("rtables", "<b>Robert</b>'); DROP TABLE"),
    ("ntm.khai", "Nguyễn Thị Minh Khai"),
    ("s.nidhomhnaill", "Siobhán Ní Dhomhnaill"),
    ("a.bendavid", "אביגיל בן־דוד"),
    ("jm.aznarez", "José María Aznárez y Gutiérrez de la Concha"),
    ("d.volkov", "Дмитрий Волков"),
    ("c.okonkwo", "Chidi Okonkwo"),
    ("li.xiaoming", "李小明"),
    ("kim.sj", "김서준"),
    ("f.alzahra", "فاطمة الزهراء"),
    ("o.brien", "Conor O'Brien"),
    ("g.papadopoulos", "Γιώργος Παπαδόπουλος"),
    ("r.sharma", "रोहन शर्मा"),
    ("anong.w", "อนงค์ วงศ์สวัสดิ์"),
    ("i.guðmundsdottir", "Ingibjörg Guðmundsdóttir"),
    ("DOMAIN\\smith", "Jordan Smith"),
    ("smith", "Jordan Smith"),
    ("emoji.tester", "Zoë 🦔 Quill"),
    ("mononym", "Suharto"),
];

const FIRST: [&str; 40] = [
    "Ada", "Bruno", "Chiara", "Daan", "Elif", "Fatou", "Gareth", "Hana", "Ivan", "Jasmin", "Kofi", "Lena",
    "Mateo", "Noor", "Olivia", "Pavel", "Quentin", "Rosa", "Samuel", "Tove", "Umar", "Vera", "Wanjiru",
    "Ximena", "Yusuf", "Zofia", "Anders", "Beatriz", "Cem", "Dorota", "Emeka", "Freya", "Goran", "Heloise",
    "Ines", "Jun", "Katarina", "Luca", "Mei", "Nadia",
];

const LAST: [&str; 43] = [
    "Adeyemi",
    "Bakker",
    "Castellanos",
    "Demir",
    "Eriksen",
    "Fontaine",
    "Grabowski",
    "Haddad",
    "Ibarra",
    "Jensen",
    "Kovacs",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quiroga",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vasquez",
    "Whitfield",
    "Xu",
    "Yilmaz",
    "Zielinski",
    "Abebe",
    "Brandt",
    "Chowdhury",
    "Dubois",
    "Engel",
    "Ferrari",
    "Greene",
    "Hoffmann",
    "Iversen",
    "Jovanovic",
    "Kaplan",
    "Lopez",
    "Mbeki",
    "Novak",
    "Olsen",
    "Pereira",
    "Rahman",
];

/// The `n`th person; every `n` gives another one, always the same.
pub fn person(n: usize) -> Person {
    let account_id = format!("u-{n:06}");
    if let Some((account, name)) = SPECIAL.get(n) {
        let email = account
            .is_ascii()
            .then(|| format!("{}@example.org", account.replace('\\', ".")));
        return Person {
            account_id,
            account: (*account).to_owned(),
            name: (*name).to_owned(),
            email,
        };
    }
    let n = n - SPECIAL.len();
    let pairs = FIRST.len() * LAST.len();
    // 40 and 43 have no common divisor: the two counters meet every pair once.
    let (first, last) = (FIRST[n % FIRST.len()], LAST[n % LAST.len()]);
    let account = match n / pairs {
        0 => format!("{first}.{last}").to_lowercase(),
        again => format!("{first}.{last}{}", again + 1).to_lowercase(),
    };
    Person {
        account_id,
        name: format!("{first} {last}"),
        email: Some(format!("{account}@example.org")),
        account,
    }
}

/// The account of a person of the pictures, for faults that concern somebody by name.
pub fn account_id_of(account: &str) -> Option<String> {
    let n = SPECIAL.iter().position(|(special, _)| *special == account)?;
    Some(person(n).account_id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_an_account_of_their_own() {
        let accounts: BTreeSet<String> = (0..5_000).map(|n| person(n).account).collect();
        assert_eq!(accounts.len(), 5_000);
    }
}
