//! What the REST interface answers when it does not do what it was asked.

/// A documented refusal. The code is the HTTP status and three digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// 400000: malformed or incomplete.
    Malformed(&'static str),
    /// 400105: the session could not be deleted.
    NotDeleted,
    /// 401000: no credentials sent.
    NoCredentials,
    /// 401001: sign-in failed; a connected app's token also has a number.
    SignInFailed(Option<u32>),
    /// 401002: token unknown, expired, ended, or hidden from whoever sent it.
    BadToken,
    /// 403004: the caller is no server administrator.
    NotAdministrator,
    /// 403069: this is Tableau Cloud.
    Cloud,
    /// 403070: already on that site.
    SameSite,
    /// 404000: no such site.
    NoSite,
    /// 404001: no such endpoint.
    NoEndpoint,
    /// 404002: no such user.
    NoUser,
    /// 404003: unknown resource in the address.
    NoResource,
    /// 404029: the requested asset (here: the session) was not found.
    NoAsset,
    /// 405000: wrong verb.
    WrongVerb,
    /// Any other code, for a fault: the status is its first three digits.
    Code(u32),
}

impl Problem {
    /// The code as the answer shows it.
    pub fn code(&self) -> u32 {
        match self {
            Self::Malformed(_) => 400_000,
            Self::NotDeleted => 400_105,
            Self::NoCredentials => 401_000,
            Self::SignInFailed(_) => 401_001,
            Self::BadToken => 401_002,
            Self::NotAdministrator => 403_004,
            Self::Cloud => 403_069,
            Self::SameSite => 403_070,
            Self::NoSite => 404_000,
            Self::NoEndpoint => 404_001,
            Self::NoUser => 404_002,
            Self::NoResource => 404_003,
            Self::NoAsset => 404_029,
            Self::WrongVerb => 405_000,
            Self::Code(code) => *code,
        }
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        u16::try_from(self.code() / 1_000).unwrap_or(500)
    }

    /// The few words above the detail.
    pub fn summary(&self) -> &'static str {
        match self.code() {
            400_000..=400_999 => "Bad Request",
            401_001 => "Signin Error",
            401_000..=401_999 => "Unauthorized Access",
            403_000..=403_999 => "Forbidden",
            404_000..=404_999 => "Resource Not Found",
            405_000..=405_999 => "Invalid Request Method",
            429_000..=429_999 => "Too Many Requests",
            _ => "Internal Server Error",
        }
    }

    /// The sentence a person reads.
    pub fn detail(&self) -> String {
        match self {
            Self::Malformed(what) => (*what).to_owned(),
            Self::NotDeleted => "Session delete error: unknown error. Session was not deleted.".to_owned(),
            Self::NoCredentials => "No authentication credentials were provided.".to_owned(),
            Self::SignInFailed(None) => "Error signing in to Tableau Server".to_owned(),
            Self::SignInFailed(Some(number)) => {
                format!("Error signing in to Tableau Server (errorCode={number})")
            }
            Self::BadToken => "Invalid authentication credentials were provided.".to_owned(),
            Self::NotAdministrator => "Only server administrators can do this.".to_owned(),
            Self::Cloud => "Querying sites is not supported here.".to_owned(),
            Self::SameSite => "Already signed in to this site.".to_owned(),
            Self::NoSite => "Site could not be found.".to_owned(),
            Self::NoEndpoint => "This endpoint is not available.".to_owned(),
            Self::NoUser => "User could not be found.".to_owned(),
            Self::NoResource => "Unknown resource in the request.".to_owned(),
            Self::NoAsset => "The requested asset could not be found.".to_owned(),
            Self::WrongVerb => "The HTTP method is not supported here.".to_owned(),
            Self::Code(403_157) => "The feature is disabled.".to_owned(),
            Self::Code(code) => format!("Refused with {code}."),
        }
    }
}
