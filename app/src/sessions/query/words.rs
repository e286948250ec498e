//! The words of the search box: which there are, what each stands for, and what to type.

/// What a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A text: part of it, `=` the whole, `,` one of several.
    Text,
    /// Values of which any may be true.
    Many,
    /// Addresses and networks.
    Networks,
    /// Last characters of an id.
    Hint,
    /// How long nothing was done.
    Idle,
    /// A moment that was.
    Past,
    /// A moment that comes.
    ToCome,
    /// `over` or `none`.
    Limit,
    /// `earlier`.
    Policy,
    /// Two lengths: idle and in all.
    Limits,
    /// A moment that is over, nothing to compare.
    Moment,
    /// A session's own key, or a whole user name.
    Key,
}

/// A word of the search box.
#[derive(Debug)]
pub struct Word {
    /// What is typed: the first is shown, the others are understood too.
    pub names: &'static [&'static str],
    /// The parameter of the address it stands for.
    pub field: &'static str,
    /// How its values are read.
    pub meaning: Meaning,
    /// Something to type.
    pub example: &'static str,
    /// What that finds.
    pub says: &'static str,
}

impl Word {
    /// The name it is shown by.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// The word of that name, in any case.
    pub fn of(name: &str) -> Option<&'static Word> {
        let name = name.to_lowercase();
        WORDS
            .iter()
            .chain(&RARE)
            .find(|word| word.names.contains(&name.as_str()))
    }

    /// The parameter that leaves out what this word finds; `None` = it can't be turned round.
    pub fn left_out(&self) -> Option<&'static str> {
        NEGATED
            .iter()
            .find(|name| name.strip_prefix("not.") == Some(self.field))
            .copied()
    }
}

/// Parameters that leave something out.
pub(super) const NEGATED: [&str; 7] = [
    "not.system",
    "not.kind",
    "not.site",
    "not.person",
    "not.ip",
    "not.browser",
    "not.os",
];

/// Every word, in the order of the help.
pub const WORDS: [Word; 17] = [
    Word {
        names: &["user", "person", "name", "login", "mail"],
        field: "person",
        meaning: Meaning::Text,
        example: "user:ann",
        says: "part of name, user name or mail; user:=ann the whole, user:ann,bob one of them",
    },
    Word {
        names: &["system"],
        field: "system",
        meaning: Meaning::Many,
        example: "system:domo,tableau",
        says: "in one of these systems; -system:domo in any other",
    },
    Word {
        names: &["kind", "type"],
        field: "kind",
        meaning: Meaning::Many,
        example: "kind:sso,mobile",
        says: "sessions of these kinds; kind:guest shows guests",
    },
    Word {
        names: &["state", "status"],
        field: "state",
        meaning: Meaning::Many,
        example: "state:ended",
        says: "live, ended or vanished; live unless asked",
    },
    Word {
        names: &["site"],
        field: "site",
        meaning: Meaning::Many,
        example: "site:emea",
        says: "in a site of a system",
    },
    Word {
        names: &["ip", "network", "net"],
        field: "ip",
        meaning: Meaning::Networks,
        example: "ip:10.0.0.0/8",
        says: "from an address or network, or from one of several",
    },
    Word {
        names: &["browser"],
        field: "browser",
        meaning: Meaning::Text,
        example: "browser:firefox",
        says: "part of the browser’s name",
    },
    Word {
        names: &["os"],
        field: "os",
        meaning: Meaning::Text,
        example: "os:windows",
        says: "part of the operating system’s name",
    },
    Word {
        names: &["id", "session"],
        field: "session",
        meaning: Meaning::Hint,
        example: "id:7f3a",
        says: "by the last characters of the session id",
    },
    Word {
        names: &["idle"],
        field: "active",
        meaning: Meaning::Idle,
        example: "idle:>8h",
        says: "without activity for longer; idle:<15min active within",
    },
    Word {
        names: &["started", "created"],
        field: "started",
        meaning: Meaning::Past,
        example: "started:>2d",
        says: "longer ago; started:<2026-11-21 before, started:>2026-11-21T08:00 after",
    },
    Word {
        names: &["active"],
        field: "active",
        meaning: Meaning::Past,
        example: "active:>2026-11-21",
        says: "last activity after a moment",
    },
    Word {
        names: &["idle_ends"],
        field: "idle_ends",
        meaning: Meaning::ToCome,
        example: "idle_ends:<1h",
        says: "idleness ends it within the next hour",
    },
    Word {
        names: &["ends", "expires"],
        field: "ends",
        meaning: Meaning::ToCome,
        example: "ends:<2026-11-22",
        says: "ends at latest before a moment, or within a length",
    },
    Word {
        names: &["limit"],
        field: "over",
        meaning: Meaning::Limit,
        example: "limit:over",
        says: "past a limit of its own; limit:none never ends for idleness",
    },
    Word {
        names: &["policy"],
        field: "earlier",
        meaning: Meaning::Policy,
        example: "policy:earlier",
        says: "began under an earlier policy: its limits are not what its kind gets now",
    },
    Word {
        names: &["at"],
        field: "at",
        meaning: Meaning::Moment,
        example: "at:2026-11-21T14:05",
        says: "who was on at that moment",
    },
];

/// Words that links carry and nobody has to remember.
pub(super) const RARE: [Word; 3] = [
    Word {
        names: &["past"],
        field: "past",
        meaning: Meaning::Limits,
        example: "past:15min,8h",
        says: "idle longer than the first, or older than the second",
    },
    Word {
        names: &["account"],
        field: "account",
        meaning: Meaning::Key,
        example: "account:ann",
        says: "exactly this user name",
    },
    Word {
        names: &["key"],
        field: "key",
        meaning: Meaning::Key,
        example: "key:3b1f…",
        says: "one session by its key",
    },
];
