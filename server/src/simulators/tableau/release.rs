//! Releases of Tableau Server and what each of them can do.
//!
//! Up to 2022.2 the versions are those of the reference; 2022.3 to 2025.2 are counted on, one per release, and meet the
//! documented ones at 2023.1, 2023.3 and 2025.3.

use std::fmt;

/// A version of the REST API; 3.10 is newer than 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rest(pub u16, pub u16);

impl Rest {
    /// From `major.minor`, each a plain number.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let (major, minor) = text.split_once('.')?;
        Some(Self(number(major)?, number(minor)?))
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Releases in order with their REST versions.
const RELEASES: [(u16, u16, Rest); 36] = [
    (9, 2, Rest(2, 1)),
    (9, 3, Rest(2, 2)),
    (10, 0, Rest(2, 3)),
    (10, 1, Rest(2, 4)),
    (10, 2, Rest(2, 5)),
    (10, 3, Rest(2, 6)),
    (10, 4, Rest(2, 7)),
    (10, 5, Rest(2, 8)),
    (2018, 1, Rest(3, 0)),
    (2018, 2, Rest(3, 1)),
    (2018, 3, Rest(3, 2)),
    (2019, 1, Rest(3, 3)),
    (2019, 2, Rest(3, 4)),
    (2019, 3, Rest(3, 5)),
    (2019, 4, Rest(3, 6)),
    (2020, 1, Rest(3, 7)),
    (2020, 2, Rest(3, 8)),
    (2020, 3, Rest(3, 9)),
    (2020, 4, Rest(3, 10)),
    (2021, 1, Rest(3, 11)),
    (2021, 2, Rest(3, 12)),
    (2021, 3, Rest(3, 13)),
    (2021, 4, Rest(3, 14)),
    (2022, 1, Rest(3, 15)),
    (2022, 2, Rest(3, 16)),
    (2022, 3, Rest(3, 17)),
    (2022, 4, Rest(3, 18)),
    (2023, 1, Rest(3, 19)),
    (2023, 2, Rest(3, 20)),
    (2023, 3, Rest(3, 21)),
    (2024, 1, Rest(3, 22)),
    (2024, 2, Rest(3, 23)),
    (2024, 3, Rest(3, 24)),
    (2025, 1, Rest(3, 25)),
    (2025, 2, Rest(3, 26)),
    (2025, 3, Rest(3, 27)),
];

/// A release of Tableau Server; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
    rest: Rest,
}

impl Release {
    /// By its public name: `2020.3`, `10.1`; none when there is no such release from 9.2 to 2025.3.
    pub fn named(name: &str) -> Option<Self> {
        let Rest(major, minor) = Rest::parse(name)?;
        let (.., rest) = RELEASES
            .into_iter()
            .find(|(a, b, _)| (*a, *b) == (major, minor))?;
        Some(Self { major, minor, rest })
    }

    /// The newest REST version it speaks.
    pub fn rest(self) -> Rest {
        self.rest
    }

    /// Whether it speaks this REST version: every version there ever was, up to its own.
    pub fn speaks(self, version: Rest) -> bool {
        let known = version == Rest(2, 0) || RELEASES.iter().any(|(.., rest)| *rest == version);
        known && version <= self.rest
    }

    /// True for this release and every later one.
    pub fn is_since(self, major: u16, minor: u16) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// What serverinfo calls the product version.
    pub fn product_version(self) -> String {
        format!("{}.{}.0", self.major, self.minor)
    }

    /// A build number of the release's shape; the part after the release is made up.
    pub fn build(self) -> String {
        let year = if self.is_since(2018, 1) {
            self.major % 100
        } else {
            16
        };
        format!("{}{}.{year}.0807.2057", self.major, self.minor)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
